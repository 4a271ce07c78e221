"""Rounds: each way has its turn in each, and a turn that says nothing is repeated."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from generator import MOST_GENERATOR_SHARE, MOST_LATENESS_MICROSECONDS, Load, Request, Void
from results import Column, Table
from ways import LOAD_CORE, PROXY_CORE, Way, World, wait_until_ready

from servers import Server

_TRIES = 3
WARM_UP = 0.5
#: How finely the highest rate is looked for.
RATE_STEPS = 20


def in_rounds(
    table: Table,
    ways: list[Way],
    options: argparse.Namespace,
    measure: Callable[[Way, dict[str, float]], None],
) -> Table:
    """Fills the table: `measure` puts one round's numbers of a way into a dictionary."""
    left = list(ways)
    for number in range(options.rounds):
        # Every second round goes the other way about, so that a drift of the machine is nobody's advantage.
        for way in list(left) if number % 2 == 0 else list(reversed(left)):
            values = _turn(table, way, options, measure)
            table.values.setdefault(way.name, []).append(values)
            if not values and number == 0:
                left.remove(way)
        print(f"bench: {table.title}: round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    # In the order of the ways, whichever was first in the last round.
    table.values = {way.name: table.values[way.name] for way in ways}
    for name, rounds in table.values.items():
        if not any(rounds):
            table.values[name] = []
    return table


def _turn(
    table: Table, way: Way, options: argparse.Namespace, measure: Callable[[Way, dict[str, float]], None]
) -> dict[str, float]:
    last = ""
    for attempt in range(_TRIES):
        values: dict[str, float] = {}
        try:
            # A slow server may need longer for its first answers.
            with way.running(), longer(options, attempt):
                measure(way, values)
            return values
        except Void as reason:
            print(f"bench: {way.name}: void: {reason}", file=sys.stderr, flush=True)
            last = str(reason)
    table.remarks[way.name] = f"a round was void {_TRIES} times, the last time for {last}"
    return {}


@contextlib.contextmanager
def longer(options: argparse.Namespace, attempt: int) -> Iterator[None]:
    """Doubles the length of measurements with each attempt."""
    seconds = options.seconds
    options.seconds = seconds * 2**attempt
    try:
        yield
    finally:
        options.seconds = seconds


def saturate(
    world: World, way: Way, request: Request, options: argparse.Namespace, table: Table, values: dict[str, float]
) -> Load:
    """Closed loop: requests/s and processor time for each."""
    before = way.server.cpu_seconds() if way.server else 0
    load = world.generator.run(way.port, request, options.connections, options.seconds, warm_up=WARM_UP)
    values["rps"] = load.requests_per_second
    values["generator"] = load.cpu_share * 100
    if way.server:
        values["cpu"] = (way.server.cpu_seconds() - before) * 1e6 / load.answered
        if load.busy.get(LOAD_CORE, 0) > 0.95 and load.busy.get(PROXY_CORE, 1) < 0.9:
            table.bounds.add((way.name, "rps"))
    return load


def at_rate(world: World, way: Way, request: Request, rate: float, options: argparse.Namespace, seconds: float) -> Load:
    """Open loop. Raises `Void` if the generator had not the processor to keep the time."""
    load = world.generator.run(
        way.port, request, options.open_connections, seconds, rate=round(rate, 1), warm_up=WARM_UP, drain=2
    )
    if load.cpu_share > MOST_GENERATOR_SHARE or load.lateness["p50"] > MOST_LATENESS_MICROSECONDS:
        late = load.lateness["p50"]
        raise Void(
            f"the generator was full at {rate:,.0f}/s: {load.cpu_share:.0%} of its processor, {late:.0f} us late"
        )
    return load


def highest_rates(
    world: World, way: Way, request: Request, limits: tuple[int, ...], top: float, options: argparse.Namespace
) -> dict[int, float]:
    """For each of the limits, in milliseconds, the highest of `RATE_STEPS` rates up to `top` with a p99 under it; 0 if
    there is none.
    """
    rates, high = {}, RATE_STEPS
    seen: dict[int, float] = {}
    # What is too fast for the widest limit is too fast for the others.
    for limit in sorted(limits, reverse=True):
        low = 0
        while low < high:
            middle = (low + high + 1) // 2
            if middle not in seen:
                seen[middle] = _p99(world, way, request, top * middle / RATE_STEPS, options)
            if seen[middle] < limit:
                low = middle
            else:
                high = middle - 1
        rates[limit] = top * low / RATE_STEPS
    return rates


def _p99(world: World, way: Way, request: Request, rate: float, options: argparse.Namespace) -> float:
    """Milliseconds; infinite if the server did not keep up."""
    load = at_rate(world, way, request, rate, options, options.probe_seconds)
    return float("inf") if load.unfinished else load.latency["p99"] / 1000


def start_time(way: Way) -> tuple[float, Server]:
    """Seconds from the start of another server to its first 200, and the server."""
    started = time.monotonic()
    server = way.fresh()
    wait_until_ready(server)
    return time.monotonic() - started, server


SATURATION = {
    "rps": Column("requests/s"),
    "cpu": Column("CPU us/request", 1),
}
