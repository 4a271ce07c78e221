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
    table.remarks |= {name: reason for name, reason in world.missing.items() if name in names}
    return table


def streams(world: World, options: argparse.Namespace) -> Table:
    """The memory of chats that have had their first event and wait for the next."""
    columns = {"each": Column("kB/stream", 1, 1e3), "all": Column("memory MB with all open", 1, 1e6)}
    title = f"{options.streams:,} open streams"
    table = Table(title, "Each server has just started; what is resident with all open, less that before.", columns)

    def measure(way: Way, values: dict[str, float]) -> None:
        server = way.fresh()
        try:
            wait_until_ready(server)
            before = server.memory()
            with_all = _open(world, way, server, options.streams)
            values |= {"each": (with_all - before) / options.streams, "all": with_all}
        finally:
            server.stop()

    names = ("nginx", "envoy", "smg", GANTRY)
    in_rounds(table, world.ways(*names), options, measure)
    return table


def _open(world: World, way: Way, server: Server, streams: int) -> int:
    """The memory with all streams open, which then end."""
    request = chat_request(way, mark="bench-hold", expect_tail="data: [DONE]\n\n")
    command = world.generator.command(server.port, request, streams, _STREAMS_SECONDS, requests=streams)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as load:
        try:
            deadline = time.monotonic() + _STREAMS_SECONDS / 2
            while (count := world.upstream.ask("GET", "/_bench/open")["open"]) < streams:
                if time.monotonic() > deadline or load.poll() is not None:
                    raise Void(f"{count} of {streams} streams were open")
                time.sleep(0.1)
            # The last of them may still be on its way to the client.
            time.sleep(0.5)
            memory = server.memory()
        finally:
            world.upstream.ask("POST", "/_bench/release")
            if load.poll() is None and not _ends(load):
                load.kill()
        text = load.stdout.read()
    if '"errors":{}' not in text:
        raise Void(f"the streams did not end well: {text[-300:]}")
    return memory


def _ends(load: subprocess.Popen) -> bool:
    try:
        load.wait(30)
    except subprocess.TimeoutExpired:
        return False
    return True
