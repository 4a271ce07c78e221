"""Measures Gantry beside nginx, Envoy and other gateways, in interleaved rounds of one run.

Latency counts from when a request was due (open loop), so a stall is charged with all that it held up. The server under
test has processor 0 to itself; the generator and the instant upstream share processor 1.
"""

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import chats
import goals
import lives
import quick
import transfers
from results import Table
from ways import LOAD_CORE, PROXY_CORE, World

from servers import machine

PAGE = Path(__file__).resolve().parent / "RESULTS.md"

SCENARIOS: dict[str, Callable[[World, argparse.Namespace], Table]] = {
    "start": lives.starts,
    "chat": chats.chat,
    "rates": chats.rates,
    "files": chats.chat_files,
    "stream": chats.chat_streamed,
    "large": chats.chat_large,
    "upload-1kb": partial(transfers.upload, size=1000, name="1 kB"),
    "upload-1mb": partial(transfers.upload, size=1_000_000, name="1 MB"),
    "upload-1gb": transfers.upload_large,
    "download": transfers.download_large,
    "list": transfers.listing,
    "streams": lives.streams,
}


def report(tables: dict[str, Table], options: argparse.Namespace, took: dict[str, float], load: float) -> str:
    date = time.strftime("%Y-%m-%d", time.gmtime())
    # Without the folders, which scripts/bench adds.
    words = [
        word for word in sys.argv[1:] if "/" not in word and word not in ("--build", "--plugins", "--environments")
    ]
    texts = "\n\n".join(table.text() for table in tables.values())
    return f"""# Results

Measured {date} by `{" ".join(["scripts/bench", *words])}`: {options.rounds} rounds a way, {options.seconds:g} s each,
interleaved; the median of the rounds, and the least and the greatest. It took {sum(took.values()) / 60:.0f} minutes;
seconds: {", ".join(f"{name} {seconds:.0f}" for name, seconds in took.items())}.

## Goals

The medians of what each round found, compared with what is meant to be reached.

{goals.text(tables)}

## How it was measured

{machine()}; load average {load:.1f} when it began.
The server under test had processor {PROXY_CORE}, the generator and the instant upstream processor {LOAD_CORE}: each way
is pinned the same. Envoy, smg and LiteLLM are stopped while another is measured.

- Requests/s and CPU are those of a closed loop of {options.connections} connections. `>=`: the generator's processor
  was full before the server's, so the server can do more. CPU is the server's own, user and system.
- Latencies are those of an open loop of {options.open_connections} connections at the rate named, from when a request
  was due; HdrHistogram, three digits.
- "direct" is the generator on the upstream, both on one processor: what the generator can do, no limit of the others.
- A round with a wrong answer, or with a generator that was full, is void and repeated, twice at most.
- nginx checks no key; Envoy, smg, LiteLLM and Gantry do. nginx has `proxy_request_buffering off`.

{texts}
"""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all if absent")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each way (5)")
    parser.add_argument("--seconds", type=float, default=2, help="length of a measurement (2)")
    parser.add_argument("--probe-seconds", type=float, default=1, help="length of a probe for the highest rate (1)")
    parser.add_argument("--connections", type=int, default=32, help="connections of the closed loop (32)")
    parser.add_argument("--open-connections", type=int, default=128, help="connections of the open loop (128)")
    parser.add_argument("--rate", type=int, default=1000, help="requests/s at which chats are timed (1000)")
    parser.add_argument("--stream-rate", type=int, default=100, help="the same of streamed chats (100)")
    parser.add_argument("--large", type=int, default=1 << 30, help="bytes of a large file (2^30)")
    parser.add_argument("--files", type=int, default=1_000_000, help="files among which is listed (1000000)")
    parser.add_argument("--streams", type=int, default=2000, help="streams that stay open (2000)")
    parser.add_argument("--quick", action="store_true", help="chat with a file against recorded.json, in 3 minutes")
    parser.add_argument("--record", action="store_true", help="with --quick: writes recorded.json")
    parser.add_argument(
        "--no-write", action="store_true", help="leaves RESULTS.md as it is, as it does for some scenarios only"
    )
    parser.add_argument("--build", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--plugins", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--environments", type=Path, required=True, help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name in options.scenarios:
        if name not in SCENARIOS:
            parser.error(f"there is no scenario '{name}': {', '.join(SCENARIOS)}.")
    if options.record and not options.quick:
        parser.error("--record is for --quick.")
    return options


def main() -> None:
    options = parse()
    if (os.cpu_count() or 1) < 2:
        raise SystemExit("bench: needs two processors, one for the server and one for the load.")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if options.quick:
        raise SystemExit(quick.run(options))

    load, _, _ = os.getloadavg()
    tables: dict[str, Table] = {}
    took: dict[str, float] = {}
    with World(options.build, options.plugins, options.environments, options.large) as world:
        for name in options.scenarios or SCENARIOS:
            started = time.monotonic()
            tables[name] = SCENARIOS[name](world, options)
            took[name] = time.monotonic() - started
            print(f"\n{tables[name].text()}\n", flush=True)
            print(f"bench: {name} took {took[name]:.0f} s", file=sys.stderr, flush=True)
            if not options.no_write and not options.scenarios:
                # Each time: a run that is ended early leaves what it has found.
                PAGE.write_text(report(tables, options, took, load))
    print(f"{goals.text(tables)}\n", flush=True)
    print(f"bench: {sum(took.values()):.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
