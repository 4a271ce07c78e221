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
import lives
import quick
import transfers
from results import Table
from ways import LOAD_CORE, PROXY_CORE, World

from servers import machine

PAGE = Path(__file__).resolve().parent / "RESULTS.md"

SCENARIOS: dict[str, list[Callable[[World, argparse.Namespace], Table]]] = {
    "start": [lives.starts],
    "chat": [chats.chat],
    "rates": [chats.rates],
    "files": [partial(chats.chat_files, files=1), partial(chats.chat_files, files=10)],
    "stream": [chats.chat_streamed],
    "large": [chats.chat_large],
    "upload": [
        partial(transfers.upload, size=1000, name="1 kB"),
        partial(transfers.upload, size=1_000_000, name="1 MB"),
        transfers.upload_large,
    ],
    "download": [transfers.download_large],
    "list": [transfers.listing],
    "streams": [lives.streams],
}


def report(tables: list[Table], options: argparse.Namespace, seconds: float) -> str:
    date = time.strftime("%Y-%m-%d", time.gmtime())
    # Without the folders, which scripts/bench adds.
    words = [
        word for word in sys.argv[1:] if "/" not in word and word not in ("--build", "--plugins", "--environments")
    ]
    texts = "\n\n".join(table.text() for table in tables)
    return f"""# Results

Measured {date} by `scripts/bench {" ".join(words)}`: {options.rounds} rounds a way, {options.seconds:g} s each,
interleaved; the median of the rounds, and the least and the greatest. It took {seconds / 60:.0f} minutes.

{machine()}; load average {os.getloadavg()[2]:.1f} over the last 15 minutes.
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
    parser.add_argument("--no-write", action="store_true", help="prints and leaves RESULTS.md as it is")
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

    started = time.monotonic()
    tables: list[Table] = []
    with World(options.build, options.plugins, options.environments, options.large) as world:
        for name in options.scenarios or SCENARIOS:
            for scenario in SCENARIOS[name]:
                tables.append(scenario(world, options))
                print(f"\n{tables[-1].text()}\n", flush=True)
                if not options.no_write:
                    # Each time: a run that is ended early leaves what it has found.
                    PAGE.write_text(report(tables, options, time.monotonic() - started))
    print(f"bench: {time.monotonic() - started:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
