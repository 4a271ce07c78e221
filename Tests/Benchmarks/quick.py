"""The short form: chat with one managed file beside nginx, compared with what was recorded.

It fails where Gantry's share of nginx's numbers has become worse than recorded by more than the tolerance. What a busy
machine does to one turn, the median of interleaved rounds leaves out; what it does to all of them, a second measurement
has the chance to correct, and the better of both counts. A slower program fails both.
"""

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

import instructions
from chats import chat_request
from measuring import SATURATION, in_rounds, saturate
from results import Column, Table
from ways import GANTRY, World

from servers import machine, temporary_folder

RECORDED = Path(__file__).resolve().parent / "recorded.json"
#: How much worse than recorded is bad: of CPU and requests/s beside nginx, and of instructions.
_RATIO_TOLERANCE = 0.30
_INSTRUCTION_TOLERANCE = 0.15
_ROUNDS = 7


def run(options: argparse.Namespace) -> int:
    """Returns the exit status."""
    started = time.monotonic()
    found = _measure(options)
    with temporary_folder() as folder:
        found["instructions_per_request"] = round(
            instructions.per_request(options.build, options.plugins, Path(folder))
        )
    if options.record:
        RECORDED.write_text(json.dumps(found | {"machine": machine()}, indent=2) + "\n")
        print(f"bench: recorded {found} in {RECORDED}")
        return 0

    recorded = json.loads(RECORDED.read_text())
    if _worse(found, recorded):
        print("bench: worse than recorded; measuring beside nginx once more", file=sys.stderr, flush=True)
        again = _measure(options)
        found["cpu_ratio"] = min(found["cpu_ratio"], again["cpu_ratio"])
        found["requests_ratio"] = max(found["requests_ratio"], again["requests_ratio"])
    failures = _worse(found, recorded)
    for name, value in found.items():
        print(f"{name}: {value:,} (recorded: {recorded[name]:,}){': WORSE' if name in failures else ''}")
    print(f"bench: {time.monotonic() - started:.0f} s")
    if failures:
        print(
            f"bench: worse than {RECORDED.name} allows: {', '.join(failures)}. Make it faster, or, if it is meant to "
            "be so, record it with scripts/bench --quick --record and say why in the commit.",
            file=sys.stderr,
        )
    return 1 if failures else 0


def _worse(found: dict[str, float], recorded: dict[str, float]) -> list[str]:
    limits = {
        "cpu_ratio": found["cpu_ratio"] > recorded["cpu_ratio"] * (1 + _RATIO_TOLERANCE),
        "requests_ratio": found["requests_ratio"] < recorded["requests_ratio"] / (1 + _RATIO_TOLERANCE),
        "instructions_per_request": found["instructions_per_request"]
        > recorded["instructions_per_request"] * (1 + _INSTRUCTION_TOLERANCE),
    }
    return [name for name, is_worse in limits.items() if is_worse]


def _measure(options: argparse.Namespace) -> dict[str, float]:
    """Gantry's numbers divided by nginx's, the medians of the rounds."""
    columns = SATURATION | {"p99": Column("p99 us at saturation"), "generator": Column("generator's CPU %")}
    table = Table("Chat with 1 managed file, quick", machine(), columns)
    options.rounds = _ROUNDS
    with World(options.build, options.plugins, options.environments, 0) as world:

        def measure(way, values: dict[str, float]) -> None:
            load = saturate(world, way, chat_request(way, files=1), options, table, values)
            values["p99"] = load.latency["p99"]

        in_rounds(table, world.ways("direct", "nginx", GANTRY), options, measure)
    table.compare("rps", "nginx", "rps ratio", "requests/s / nginx's")
    table.compare("cpu", "nginx", "cpu ratio", "CPU / nginx's")
    print(f"\n{table.text()}\n", flush=True)
    ratios = {name: table.numbers(GANTRY, name) for name in ("cpu ratio", "rps ratio")}
    if min(map(len, ratios.values())) < _ROUNDS / 2:
        raise SystemExit(f"bench: most rounds were void: {table.remarks}")
    return {
        "cpu_ratio": round(statistics.median(ratios["cpu ratio"]), 3),
        "requests_ratio": round(statistics.median(ratios["rps ratio"]), 3),
    }
