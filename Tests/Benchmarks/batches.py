"""What batches cost: the time of others' chats while a large input is checked and rewritten, and the gateway's
processor time while it asks about many open batches.
"""

import argparse
import json
import os
import re
import sqlite3
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx
from generator import Generator, Load, Request

from servers import MASTER_KEY, Upstream, temporary_folder
from support.batches import create, jsonl, line, upload
from support.gateway import BUILD, Gateway, clean_environment, configuration, openai_entry
from support.simulators import Simulators

#: Older than two hours: such a batch is asked about every ten minutes.
AGE_IN_SECONDS = 7300
PACE_IN_SECONDS = 600


def clone(data: Path, count: int) -> None:
    """Makes many open batches of the one there is, due one after the other."""
    with closing(sqlite3.connect(data / "gantry.sqlite", timeout=30)) as registry, registry:
        columns = [row[1] for row in registry.execute("PRAGMA table_info(objects)")]
        row = dict(zip(columns, registry.execute("SELECT * FROM objects").fetchone(), strict=True))
        now = int(time.time())
        row["created_us"] -= AGE_IN_SECONDS * 1_000_000
        marks = ", ".join("?" for _ in columns)
        rows = (
            row | {"id": uuid.uuid4().bytes, "derived_id": None, "due_at": now + number * PACE_IN_SECONDS // count}
            for number in range(count)
        )
        registry.executemany(
            f"INSERT INTO objects ({', '.join(columns)}) VALUES ({marks})",
            ([one[name] for name in columns] for one in rows),
        )


def seconds_of(process: int) -> float:
    """The processor time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kilobytes(process: int, name: str) -> int:
    """A line of what the system knows of a process's memory."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


@dataclass
class Bench:
    """A gateway whose batches go to the simulator and whose chats go to the instant upstream."""

    gateway: Gateway
    simulators: Simulators
    generator: Generator
    #: The port of the instant upstream.
    upstream: int

    @cached_property
    def admin(self) -> httpx.Client:
        return self.gateway.client(MASTER_KEY, timeout=600)

    def chats(self, options: argparse.Namespace, seconds: float, port: int | None = None) -> Load:
        body = {"model": "chat", "messages": [{"role": "user", "content": "Hello" + "x" * 1100}]}
        request = Request(body=json.dumps(body).encode())
        port = port or int(self.gateway.url.rsplit(":", 1)[1])
        return self.generator.run(port, request, 32, seconds, rate=options.rate, warm_up=0.5, drain=5)

    def share(self, seconds: float) -> float:
        """The share of a core that the gateway takes."""
        process = self.gateway.process.pid
        start, began = seconds_of(process), time.monotonic()
        time.sleep(seconds)
        return (seconds_of(process) - start) / (time.monotonic() - began)


@contextmanager
def running() -> Iterator[Bench]:
    with temporary_folder() as name:
        folder = Path(name)
        simulators = Simulators(BUILD / "gantry-simulators", folder / "simulators", clean_environment())
        upstream = Upstream(BUILD, folder / "upstream", 1, 1)
        try:
            chat = openai_entry(simulators, name="chat")
            chat["litellm_params"]["api_base"] = f"http://127.0.0.1:{upstream.port}/v1"
            config = configuration(openai_entry(simulators), chat, master_key=MASTER_KEY)
            gateway = Gateway.start(folder / "gateway", config, log_level="info")
            try:
                simulators.hold_openai(batch=True)
                yield Bench(gateway, simulators, Generator(BUILD, folder, 1), upstream.port)
            finally:
                gateway.stop()
        finally:
            upstream.stop()
            simulators.stop()


def rewriting(bench: Bench, options: argparse.Namespace) -> None:
    """Chats at a rate, alone and while a batch of a large file is made."""
    one = jsonl(line("request-00000000", content="x" * 3900))
    count = options.bytes // len(one)
    print(f"batches: uploading {count:,} requests in {count * len(one):,} bytes", flush=True)
    content = b"".join(one.replace(b"00000000", b"%08d" % number) for number in range(count))
    file = upload(bench.gateway, content, bench.admin)
    quiet = [bench.chats(options, options.seconds / 4) for _ in range(3)]
    process = bench.gateway.process.pid
    # What the machine does to anybody's requests meanwhile, the gateway's or not.
    direct = during(bench, file, lambda: bench.chats(options, 2, bench.upstream))[0]
    Path(f"/proc/{process}/clear_refs").write_text("5")
    before, resident = seconds_of(process), kilobytes(process, "VmRSS")
    loads, seconds = during(bench, file, lambda: bench.chats(options, 2))
    used = seconds_of(process) - before
    grown = (kilobytes(process, "VmHWM") - resident) / 1000
    print(
        f"chats at {options.rate}/s alone: {times(quiet)}; while the batch was made: {times(loads)}\n"
        f"without the gateway, while a batch was made: {times(direct)}\n"
        f"the batch was made in {seconds:.1f} s, with {used:.1f} s of processor time, the chats' among it; "
        f"memory grew by {grown:.0f} MB",
        flush=True,
    )


def during(bench: Bench, file: str, measure: Callable[[], Load]) -> tuple[list[Load], float]:
    """What is measured while a batch of a file is made, and how long that took in seconds."""
    made: list[float] = []

    def make() -> None:
        began = time.monotonic()
        create(bench.gateway, file, bench.admin)
        made.append(time.monotonic() - began)

    maker = threading.Thread(target=make)
    maker.start()
    loads = []
    while maker.is_alive():
        loads.append(measure())
    maker.join()
    return loads, made[0]


def times(loads: list[Load]) -> str:
    parts = []
    for name in ("p50", "p99"):
        found = [load.latency[name] / 1000 for load in loads]
        parts.append(f"{name} {statistics.median(found):.2f} ms ({min(found):.2f}-{max(found):.2f})")
    return ", ".join(parts)


def polling(bench: Bench, options: argparse.Namespace) -> None:
    """Many open batches."""
    idle = bench.share(options.seconds / 4)
    create(bench.gateway, upload(bench.gateway, jsonl(line("a")), bench.admin), bench.admin)
    bench.simulators.advance_openai(kind="batch", to="in_progress")
    clone(bench.gateway.data, options.open)
    time.sleep(2)
    before = len(bench.simulators.requests("openai", "/batches/"))
    busy = bench.share(options.seconds)
    asked = len(bench.simulators.requests("openai", "/batches/")) - before
    print(f"idle: {idle:.2%} of a core; {options.open:,} open batches: {busy:.2%} of a core", flush=True)
    print(f"requests meanwhile that the simulator knows of (it keeps 1,000): {asked}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench --batches", description=__doc__)
    parser.add_argument("--open", type=int, default=10_000, help="batches that are open (10000)")
    parser.add_argument("--bytes", type=int, default=1 << 30, help="of the large input (2^30)")
    parser.add_argument("--seconds", type=int, default=40, help="length of a measurement (40)")
    parser.add_argument("--rate", type=int, default=200, help="chats a second meanwhile (200)")
    options = parser.parse_args()
    for measure in (rewriting, polling):
        with running() as bench:
            measure(bench, options)


if __name__ == "__main__":
    main()
