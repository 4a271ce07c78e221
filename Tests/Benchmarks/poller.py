"""What 10,000 open batches cost one host: the processor time of the gateway while it asks about all of them.

Needs release builds of gantry, gantry-simulators and the plugins: `python Tests/Benchmarks/poller.py`.
"""

import argparse
import os
import sqlite3
import sys
import tempfile
import time
import uuid
from contextlib import closing
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Acceptance"))

from support.batches import create, jsonl, line, upload
from support.gateway import BUILD, Gateway, clean_environment, configuration, openai_entry
from support.simulators import Simulators

#: Older than an hour: such a batch is asked about every five minutes.
AGE_IN_SECONDS = 7200
PACE_IN_SECONDS = 300


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        simulators = Simulators(BUILD / "gantry-simulators", Path(folder) / "simulators", clean_environment())
        config = configuration(openai_entry(simulators))
        gateway = Gateway.start(Path(folder) / "gateway", config, log_level="info")
        try:
            simulators.hold_openai(batch=True)
            idle = measure(gateway, options.seconds // 4)
            create(gateway, upload(gateway, jsonl(line("a"))))
            simulators.advance_openai(kind="batch", to="in_progress")
            clone(gateway.data, options.batches)
            time.sleep(2)
            before = len(simulators.requests("openai", "/batches/"))
            busy = measure(gateway, options.seconds)
            asked = len(simulators.requests("openai", "/batches/")) - before
            print(f"idle: {idle:.2%} of a core; {options.batches} open batches: {busy:.2%} of a core")
            print(f"requests seen by the simulator since the second measurement began (it keeps 1,000): {asked}")
        finally:
            gateway.stop()
            simulators.stop()


def measure(gateway: Gateway, seconds: int) -> float:
    """The share of a core that the gateway takes."""
    process = gateway.process.pid
    start, began = seconds_of(process), time.monotonic()
    time.sleep(seconds)
    return (seconds_of(process) - start) / (time.monotonic() - began)


if __name__ == "__main__":
    main()
