"""Chat with one managed file: Gantry beside nginx `proxy_pass`, in interleaved rounds of one run.

The proxy under test has one processor, the load generator and the upstream share the other. wrk is a closed loop: a
connection sends its next request when it has its answer, so the times are those of a full house and not of a given
rate, and a stall is seen by as many requests as there are connections.
"""

import argparse
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from servers import MASTER_KEY, Gantry, Server, machine, proxy, temporary_folder, upstream

HERE = Path(__file__).resolve().parent
BODY_BYTES = 1200
PROXY_CORE = 0
LOAD_CORE = 1


@dataclass
class Round:
    """One measurement of one way."""

    requests_per_second: float
    p50_microseconds: int
    p99_microseconds: int
    cpu_microseconds: float | None


def chat_body(file_id: str) -> bytes:
    """A chat request of 1.2 kB with one file."""

    def make(filler: str) -> bytes:
        text = "What is in this recording?" + filler
        content = [{"type": "text", "text": text}, {"type": "file", "file": {"file_id": file_id}}]
        return json.dumps({"model": "gpt-4o-mini-openai", "messages": [{"role": "user", "content": content}]}).encode()

    return make(" " + "x" * (BODY_BYTES - len(make(" "))))


def load(port: int, body: Path, seconds: int, connections: int) -> dict[str, int]:
    """Runs wrk and returns the numbers of its last line."""
    run = subprocess.run(
        [
            *("taskset", "--cpu-list", str(LOAD_CORE), "wrk"),
            *("--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--timeout", "10s"),
            *("--script", str(HERE / "post.lua"), f"http://127.0.0.1:{port}/v1/chat/completions"),
            *("--", str(body), MASTER_KEY),
        ],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    line = next((line for line in run.stdout.splitlines() if line.startswith("result ")), None)
    if line is None:
        raise SystemExit(f"bench: wrk printed no result:\n{run.stdout}{run.stderr}")
    return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", line)}


def measure(port: int, server: Server | None, body: Path, seconds: int, connections: int) -> Round:
    before = server.cpu_seconds() if server else 0
    result = load(port, body, seconds, connections)
    cpu = (server.cpu_seconds() - before) * 1e6 / result["requests"] if server else None
    if result["status_errors"] or result["socket_errors"]:
        raise SystemExit(f"bench: port {port} answered with errors: {result}")
    return Round(result["requests"] * 1e6 / result["microseconds"], result["p50"], result["p99"], cpu)


def spread(values: list[float], digits: int = 0) -> str:
    """The median, and the least and the greatest."""
    form = f",.{digits}f"
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def table(rounds: dict[str, list[Round]]) -> str:
    lines = [
        "| | requests/s | p50 us | p99 us | CPU us per request |",
        "|---|---|---|---|---|",
    ]
    for name, results in rounds.items():
        cpu = [result.cpu_microseconds for result in results if result.cpu_microseconds is not None]
        columns = [
            name,
            spread([result.requests_per_second for result in results]),
            spread([result.p50_microseconds for result in results]),
            spread([result.p99_microseconds for result in results]),
            spread(cpu, 1) if cpu else "-",
        ]
        lines.append("| " + " | ".join(columns) + " |")
    return "\n".join(lines)


def report(rounds: dict[str, list[Round]], options: argparse.Namespace) -> str:
    count = len(next(iter(rounds.values())))
    return f"""Chat of {BODY_BYTES} bytes with one managed file, instant upstream, {options.connections} connections.
{count} rounds of {options.seconds} s a way, interleaved; median (least-greatest) of the rounds.
{machine()}; proxy on processor {PROXY_CORE}, wrk and upstream on processor {LOAD_CORE}.
wrk is a closed loop: latencies are those at full load, not at a given rate. CPU is the proxy's own.
"direct" is wrk on the upstream without a proxy, both on one processor: what the generator can do.

{table(rounds)}
"""


def run(options: argparse.Namespace) -> dict[str, list[Round]]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(temporary_folder()))
        provider = upstream(folder, LOAD_CORE)
        stack.callback(provider.stop)
        nginx = proxy(folder, PROXY_CORE, provider.port)
        stack.callback(nginx.stop)
        ways: dict[str, tuple[int, Server | None]] = {"direct": (provider.port, None), "nginx": (nginx.port, nginx)}
        file_id = "file-" + "a" * 40
        if not options.without_gantry:
            gantry = Gantry(options.build, options.plugins, folder, PROXY_CORE, provider.port)
            stack.callback(gantry.stop)
            file_id = gantry.upload()
            ways["gantry"] = (gantry.port, gantry)
        body = folder / "body.json"
        body.write_bytes(chat_body(file_id))

        rounds: dict[str, list[Round]] = {name: [] for name in ways}
        for port, _ in ways.values():
            load(port, body, 2, options.connections)
        for number in range(options.rounds):
            # Every second round goes the other way about, so that a drift of the machine is nobody's advantage.
            for name in list(ways) if number % 2 == 0 else reversed(ways):
                port, server = ways[name]
                rounds[name].append(measure(port, server, body, options.seconds, options.connections))
                print(f"round {number + 1} {name}: {rounds[name][-1].requests_per_second:,.0f} requests/s", flush=True)
        return rounds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="the folder with the release executables")
    parser.add_argument("--plugins", type=Path, required=True, help="the folder with the manifests")
    parser.add_argument("--rounds", type=int, help="rounds a way, at least 5")
    parser.add_argument("--seconds", type=int, help="length of a round")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--quick", action="store_true", help="5 rounds of 4 s")
    parser.add_argument("--write", action="store_true", help="put the result into RESULTS.md")
    parser.add_argument("--without-gantry", action="store_true", help="measure the other ways alone")
    options = parser.parse_args()
    options.rounds = max(5, options.rounds or (5 if options.quick else 9))
    options.seconds = options.seconds or (4 if options.quick else 10)

    if (os.cpu_count() or 1) < 2:
        raise SystemExit("bench: needs two processors, one for the proxy and one for the load.")

    started = time.monotonic()
    text = report(run(options), options)
    print(f"\n{text}\nbench: {time.monotonic() - started:.0f} s")
    if options.write:
        date = time.strftime("%Y-%m-%d", time.gmtime())
        (HERE / "RESULTS.md").write_text(
            f"# Results\n\nMeasured {date} by `scripts/bench {' '.join(sys.argv[1:])}`.\n\n{text}"
        )


if __name__ == "__main__":
    main()
