"""The scenarios of what a server costs while it does little: its start, its memory, and streams that stay open."""

import argparse
import subprocess
import time

from chats import chat_request
from generator import Void
from measuring import in_rounds, start_time
from results import Column, Table
from ways import GANTRY, Way, World, wait_until_ready

from servers import Server

_STREAMS_SECONDS = 60
#: A server that has opened no more streams for so long has a limit, and that is a result.
_PATIENCE_SECONDS = 5


def starts(world: World, options: argparse.Namespace) -> Table:
    """From the start of the process to the first chat that is answered."""
    columns = {"start": Column("start to first 200 ms", 0, 1e-3), "memory": Column("memory idle MB", 1, 1e6)}
    table = Table("Start", "A chat is asked every 2 ms until it is answered; memory a second later.", columns)
    names = ("nginx", "envoy", "smg", "tensorzero", "litellm", GANTRY)

    def measure(way: Way, values: dict[str, float]) -> None:
        try:
            values["start"], server = start_time(way)
        except (TimeoutError, SystemExit) as error:
            raise Void(str(error)) from error
        time.sleep(1)
        values["memory"] = server.memory()
        server.stop()

    in_rounds(table, world.ways(*names), options, measure)
    table.remarks |= world.why_missing(names)
    return table


def streams(world: World, options: argparse.Namespace) -> Table:
    """The memory of chats that have had their first event and wait for the next."""
    columns = {
        "open": Column("streams open"),
        "each": Column("kB/stream", 1, 1e3),
        "all": Column("memory MB with all open", 1, 1e6),
    }
    title = f"{options.streams:,} open streams"
    table = Table(title, "Each server has just started; what is resident with all open, less that before.", columns)

    def measure(way: Way, values: dict[str, float]) -> None:
        server = way.fresh()
        try:
            wait_until_ready(server)
            before = server.memory()
            count, with_all = _open(world, way, server, options.streams)
            values |= {"open": count, "each": (with_all - before) / count, "all": with_all}
        finally:
            server.stop()

    names = ("nginx", "envoy", "smg", GANTRY)
    in_rounds(table, world.ways(*names), options, measure)
    table.remarks |= world.why_missing(names)
    return table


def _open(world: World, way: Way, server: Server, streams: int) -> tuple[int, int]:
    """How many streams it opens, and its memory with all of them open; they end then."""
    request = chat_request(way, mark="bench-hold", expect_tail="data: [DONE]\n\n")
    command = world.generator.command(server.port, request, streams, _STREAMS_SECONDS, requests=streams)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as load:
        try:
            count = _wait_until_open(world, streams)
            if count == 0:
                raise Void("no stream was open")
            # The last of them may still be on its way to the client.
            time.sleep(0.5)
            memory = server.memory()
        finally:
            _release(world, load)
        text = load.stdout.read()
    if '"errors":{}' not in text:
        raise Void(f"the streams did not end well: {text[-300:]}")
    return count, memory


def _wait_until_open(world: World, streams: int) -> int:
    """The number of streams when it is as wanted or has not grown for a while."""
    count, grown = 0, time.monotonic()
    while count < streams and time.monotonic() < grown + _PATIENCE_SECONDS:
        time.sleep(0.1)
        if (now := world.upstream.ask("GET", "/_bench/open")["open"]) > count:
            count, grown = now, time.monotonic()
    return count


def _release(world: World, load: subprocess.Popen) -> None:
    """Ends all streams, and those that begin when others have ended."""
    deadline = time.monotonic() + _STREAMS_SECONDS
    while load.poll() is None:
        world.upstream.ask("POST", "/_bench/release")
        if time.monotonic() > deadline:
            load.kill()
        time.sleep(0.1)
    world.upstream.ask("POST", "/_bench/release")
