"""Runs the load generator and judges whether what it measured counts."""

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from servers import MASTER_KEY

#: Above this the generator, and not the server, may be what is measured.
MOST_GENERATOR_SHARE = 0.85
#: Half of what the generator sent by the clock was later than this: it had no processor to send it.
MOST_LATENESS_MICROSECONDS = 500
#: The share of a measurement for which the generator may stand still.
MOST_PAUSE = 0.25


class Void(Exception):
    """A round that says nothing about the server."""


@dataclass
class Request:
    """What is sent, and what a right answer is."""

    method: str = "POST"
    path: str = "/v1/chat/completions"
    content_type: str = "application/json"
    #: Before and after the filler.
    body: bytes = b""
    filler: int = 0
    body_end: bytes = b""
    expect_length: int | None = None
    expect_tail: str = ""
    first_byte: bool = False


@dataclass
class Load:
    """What the generator printed; times in microseconds."""

    requests: int
    #: Those of the warm-up among them.
    answered: int
    requests_per_second: float
    seconds: float
    latency: dict[str, float]
    first_byte: dict[str, float]
    lateness: dict[str, float]
    cpu_share: float
    errors: dict[str, int]
    unfinished: int
    #: The share of each processor that was busy.
    busy: dict[int, float] = field(default_factory=dict)


class Generator:
    """Runs `gantry-load run` on one processor."""

    def __init__(self, build: Path, folder: Path, core: int):
        self._program = str(build / "gantry-load")
        self._folder = folder
        self._core = core
        self._bodies = 0

    def command(self, port: int, request: Request, connections: int, seconds: float, **more: float | None) -> list[str]:
        self._bodies += 1
        body, end = self._folder / f"body-{self._bodies}", self._folder / f"end-{self._bodies}"
        body.write_bytes(request.body)
        end.write_bytes(request.body_end)
        command = ["taskset", "--cpu-list", str(self._core), self._program, "run", "--port", str(port)]
        command += [
            "--method",
            request.method,
            "--path",
            request.path,
            "--header",
            f"Authorization: Bearer {MASTER_KEY}",
        ]
        command += ["--connections", str(connections), "--seconds", str(seconds), "--expect-tail", request.expect_tail]
        if request.method == "POST":
            command += ["--header", f"Content-Type: {request.content_type}", "--body", str(body)]
            command += ["--filler", str(request.filler), "--body-end", str(end)]
        if request.expect_length is not None:
            command += ["--expect-length", str(request.expect_length)]
        if request.first_byte:
            command.append("--first-byte")
        for name, value in more.items():
            if value is not None:
                command += [f"--{name.replace('_', '-')}", str(value)]
        return command

    def run(self, port: int, request: Request, connections: int, seconds: float, **more: float | None) -> Load:
        """Raises `Void` after an answer that was not right."""
        command = self.command(port, request, connections, seconds, **more)
        before = busy_seconds()
        limit = seconds + (more.get("warm_up") or 0) + (more.get("drain") or 5) + 30
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
        except subprocess.TimeoutExpired as error:
            raise Void(f"the generator did not end within {limit:.0f} s") from error
        except subprocess.CalledProcessError as error:
            raise Void(f"the generator failed: {error.stderr.strip()[-300:]}") from error
        after = busy_seconds()
        values = json.loads(done.stdout)
        load = Load(**{name: values[name] for name in Load.__dataclass_fields__ if name in values})
        load.busy = {core: share(before[core], after[core]) for core in before}
        if load.errors:
            raise Void(f"errors: {load.errors}")
        if load.unfinished and not more.get("rate"):
            raise Void(f"{load.unfinished} answers were still missing some seconds after the end")
        if load.lateness["max"] > MOST_PAUSE * seconds * 1e6:
            raise Void(f"the generator stood still for {load.lateness['max'] / 1e6:.1f} s")
        if load.requests == 0:
            raise Void("no answer at all")
        return load


def busy_seconds() -> dict[int, tuple[int, int]]:
    """Ticks of each processor: busy, and all."""
    result = {}
    for line in Path("/proc/stat").read_text().splitlines():
        name, *values = line.split()
        if name.startswith("cpu") and name != "cpu":
            ticks = list(map(int, values[:8]))
            result[int(name[3:])] = (sum(ticks) - ticks[3] - ticks[4], sum(ticks))
    return result


def share(before: tuple[int, int], after: tuple[int, int]) -> float:
    return (after[0] - before[0]) / max(1, after[1] - before[1])
