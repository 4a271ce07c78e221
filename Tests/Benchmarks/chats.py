"""The scenarios of chat: plain, with managed files, streamed, large, and the highest rates."""

import argparse
import dataclasses
import json
from collections.abc import Callable

from generator import Request, Void
from measuring import RATE_STEPS, SATURATION, WARM_UP, at_rate, highest_rates, in_rounds, saturate
from results import Column, Table
from ways import FILES, GANTRY, VERTEX, Way, World

BODY_BYTES = 1200
_EVERYONE = ("direct", "nginx", "envoy", "smg", "tensorzero", "litellm", GANTRY, VERTEX)
_WITH_FILES = ("direct", "nginx", "envoy", "smg", GANTRY, VERTEX)
TEN_FILES = f"{GANTRY}, {FILES} files"
#: Enough for so many ids.
_FILES_BODY_BYTES = 1500
_LIMITS = (1, 5, 10)


def chat_request(way: Way, size: int = BODY_BYTES, files: int = 0, mark: str = "", **more) -> Request:
    """A chat of `size` bytes; the upstream answers by the mark."""

    def make(filler: str) -> bytes:
        text = f"{mark} What is in this?{filler}"
        content = [{"type": "text", "text": text}]
        content += [{"type": "file", "file": {"file_id": id}} for id in way.files[:files]]
        body = {"model": way.model} | ({"stream": True} if mark else {})
        messages = [{"role": "user", "content": content if files else text}]
        return json.dumps(body | {"messages": messages}).encode()

    return Request(body=make(" " + "x" * (size - len(make(" ")))), **more)


def chat(world: World, options: argparse.Namespace) -> Table:
    note = f"{BODY_BYTES:,} bytes, no file."
    return _chat(world, options, "Chat, plain", note, _EVERYONE, size=BODY_BYTES)


def chat_files(world: World, options: argparse.Namespace) -> Table:
    note = (
        f"{_FILES_BODY_BYTES:,} bytes with 1 file id where no other number is named. Other ways pass ids on as they "
        "are; Gantry checks the owner of each and puts the provider's in its place."
    )

    def with_files(ways: list[Way]) -> list[Way]:
        ten = {GANTRY: TEN_FILES, VERTEX: f"{VERTEX}, {FILES} files"}
        one = [dataclasses.replace(way, files=way.files[:1]) for way in ways]
        return one + [dataclasses.replace(way, name=ten[way.name]) for way in ways if way.name in ten]

    title = "Chat with managed files"
    return _chat(world, options, title, note, _WITH_FILES, with_files, size=_FILES_BODY_BYTES, files=FILES)


def chat_large(world: World, options: argparse.Namespace) -> Table:
    return _chat(world, options, "Chat of 100 kB", "", _EVERYONE, size=100_000)


def chat_streamed(world: World, options: argparse.Namespace) -> Table:
    note = (
        "64 events, each in a packet of its own: at once for requests/s and CPU, one every 2 ms at "
        f"{options.stream_rate:,}/s. The first event counts from when its request was due; what is added is the "
        "difference to direct."
    )
    what = {"mark": "bench-stream", "first_byte": True, "expect_tail": "data: [DONE]\n\n"}
    return _chat(world, options, "Chat, streamed", note, _EVERYONE, **what)


def _chat(
    world: World,
    options: argparse.Namespace,
    title: str,
    note: str,
    names: tuple[str, ...],
    variants: Callable[[list[Way]], list[Way]] = list,
    **what,
) -> Table:
    is_stream = "mark" in what
    rate = options.stream_rate if is_stream else options.rate
    columns = dict(SATURATION)
    for percentile in ("p50", "p99", "p99.9"):
        columns[percentile] = Column(f"{'first event ' * is_stream}{percentile} us at {rate:,}/s")
    columns["memory"] = Column("memory loaded MB", 1, 1e6)
    columns["generator"] = Column("generator's CPU %")
    table = Table(title, note, columns)

    def measure(way: Way, values: dict[str, float]) -> None:
        request = chat_request(way, **what)
        saturate(world, way, request, options, table, values)
        if way.server:
            values["memory"] = way.server.memory()
        if values["rps"] < rate * 1.1:
            table.remarks[way.name] = f"{rate:,}/s is more than it can do, or nearly so: no latencies at that rate"
            return
        if is_stream:
            request = chat_request(way, **(what | {"mark": "bench-paced"}))
        load = at_rate(world, way, request, rate, options, options.seconds)
        if load.unfinished:
            raise Void(f"{load.unfinished} answers were missing at {rate:,}/s")
        times = load.first_byte if is_stream else load.latency
        values |= {"p50": times["p50"], "p99": times["p99"], "p99.9": times["p999"]}

    in_rounds(table, variants(world.ways(*names)), options, measure)
    table.remarks |= world.why_missing(names)
    table.compare("rps", "nginx", "rps ratio", "requests/s / nginx's")
    table.compare("cpu", "nginx", "cpu ratio", "CPU / nginx's")
    less, times = ("direct", "first event's ") if is_stream else ("nginx", "")
    for percentile in ("p50", "p99"):
        title = f"{times}{percentile} us less {less}'s"
        table.compare(percentile, less, f"{percentile} added", title, difference=True)
    return table


def rates(world: World, options: argparse.Namespace) -> Table:
    """The highest open-loop rates of plain chat."""
    note = (
        f"Open loop, {options.open_connections} connections: the highest of {RATE_STEPS} steps up to what the same "
        "round found at saturation. The generator's CPU is that at saturation."
    )
    columns = {f"{limit} ms": Column(f"requests/s with p99 < {limit} ms") for limit in _LIMITS}
    columns["generator"] = Column("generator's CPU %")
    table = Table("Chat, plain: the highest rate", note, columns)

    def measure(way: Way, values: dict[str, float]) -> None:
        request = chat_request(way)
        full = world.generator.run(way.port, request, options.connections, options.probe_seconds, warm_up=WARM_UP)
        top = full.requests_per_second
        if top < 1:
            raise Void(f"it answered nothing within {options.probe_seconds:g} s")
        values["generator"] = full.cpu_share * 100
        for limit, rate in highest_rates(world, way, request, _LIMITS, top, options).items():
            values[f"{limit} ms"] = rate

    in_rounds(table, world.ways(*_EVERYONE[1:]), options, measure)
    table.remarks |= world.why_missing(_EVERYONE)
    for limit in _LIMITS:
        table.compare(f"{limit} ms", "nginx", f"ratio {limit}", f"{limit} ms / nginx's")
    return table
