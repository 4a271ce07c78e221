"""The scenarios of chat: plain, with managed files, streamed, large, and the highest rates."""

import argparse
import json

from generator import Request, Void
from measuring import SATURATION, at_rate, highest_rate, in_rounds, saturate
from results import Column, Table
from ways import GANTRY, VERTEX, Way, World

BODY_BYTES = 1200
_EVERYONE = ("direct", "nginx", "envoy", "smg", "tensorzero", "litellm", GANTRY, VERTEX)
_WITH_FILES = ("direct", "nginx", GANTRY, VERTEX)
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
    return _chat(world, options, "Chat, plain", f"{BODY_BYTES} bytes, no file.", _EVERYONE)


def chat_files(world: World, options: argparse.Namespace, files: int) -> Table:
    title = f"Chat with {files} managed file{'s' if files > 1 else ''}"
    note = "Other ways pass ids on as they are; Gantry checks the owner of each and puts the provider's in its place."
    return _chat(world, options, title, note, _WITH_FILES, files=files, size=max(BODY_BYTES, 400 + files * 100))


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


def _chat(world: World, options: argparse.Namespace, title: str, note: str, names: tuple[str, ...], **what) -> Table:
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

    in_rounds(table, world.ways(*names), options, measure)
    table.remarks |= {name: reason for name, reason in world.missing.items() if name in names}
    table.compare("rps", "nginx", "rps ratio", "requests/s / nginx's")
    table.compare("cpu", "nginx", "cpu ratio", "CPU / nginx's")
    if is_stream:
        table.compare("p50", "direct", "added", "first event added us, p50", difference=True)
    return table


def rates(world: World, options: argparse.Namespace) -> Table:
    """The highest open-loop rates of plain chat."""
    note = (
        f"Open loop, {options.open_connections} connections: the highest of 20 steps up to what the same round "
        "found at saturation."
    )
    columns = {f"{limit} ms": Column(f"requests/s with p99 < {limit} ms") for limit in _LIMITS}
    table = Table("Chat, plain: the highest rate", note, columns)

    def measure(way: Way, values: dict[str, float]) -> None:
        request = chat_request(way)
        top = world.generator.run(way.port, request, options.connections, 1, warm_up=0.5).requests_per_second
        if top < 1:
            raise Void("it answered nothing within a second")
        seen: dict[int, float] = {}
        for limit in _LIMITS:
            values[f"{limit} ms"] = highest_rate(world, way, request, limit, top, options, seen)

    in_rounds(table, world.ways(*_EVERYONE[1:]), options, measure)
    table.remarks |= {name: reason for name, reason in world.missing.items() if name in _EVERYONE}
    for limit in _LIMITS:
        table.compare(f"{limit} ms", "nginx", f"ratio {limit}", f"{limit} ms / nginx's")
    return table
