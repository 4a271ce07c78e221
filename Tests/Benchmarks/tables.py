"""The numbers of the list of files, and the page that they stand on."""

import os
import re
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from questions import Question

from servers import machine

#: A route that does nothing.
FLOOR = "/health/liveliness"
_GOAL_MILLISECONDS = 5
_HEAD = (
    "| question | limit | first page | random place | walk | last / first fifth | CPU first / random | requests "
    "| p99 < 5 ms |"
)


@dataclass
class Times:
    """Milliseconds of many requests, in rounds."""

    rounds: list[list[float]] = field(default_factory=list)
    #: Processor time of the gateway and of the database's server meanwhile, in milliseconds.
    cpu: float = 0

    @property
    def count(self) -> int:
        return sum(map(len, self.rounds))

    @property
    def cpu_each(self) -> float:
        return self.cpu / self.count

    @property
    def maximum(self) -> float:
        return max(map(max, self.rounds))

    def percentile(self, share: float) -> float:
        """The median of the rounds' percentiles."""
        return statistics.median(sorted(one)[min(len(one) - 1, int(share * len(one)))] for one in self.rounds)


@dataclass
class Answer:
    """What one question took."""

    question: Question
    limit: int
    first: Times
    jump: Times
    walk: Times
    #: The median of the last fifth of a walk divided by that of the first.
    growth: float


def row(answer: Answer) -> str:
    def three(times: Times) -> str:
        return f"{times.percentile(0.5):.2f} / {times.percentile(0.99):.2f} / {times.maximum:.1f}"

    worst = max(times.percentile(0.99) for times in (answer.first, answer.jump, answer.walk))
    columns = [
        answer.question.name,
        str(answer.limit),
        three(answer.first),
        three(answer.jump),
        three(answer.walk),
        f"{answer.growth:.2f}",
        f"{answer.first.cpu_each:.2f} / {answer.jump.cpu_each:.2f}",
        f"{answer.first.count}, {answer.jump.count}, {answer.walk.count}",
        "yes" if worst < _GOAL_MILLISECONDS else "**no**",
    ]
    return "| " + " | ".join(columns) + " |"


def section(database: str, floor: Times, answers: list[Answer], checks: list[str], noise: str, changes: int) -> str:
    head = [
        f"## {database}",
        "",
        f"Floor, {FLOOR}: p50 {floor.percentile(0.5):.2f} ms, p99 {floor.percentile(0.99):.2f} ms, "
        f"max {floor.maximum:.1f} ms, CPU {floor.cpu_each:.2f} ms, {floor.count} requests.",
        noise,
        f"{time.strftime('%Y-%m-%d', time.gmtime())}; {changes} uploads and deletes went on beside it; "
        f"load average {os.getloadavg()[1]:.1f} over the last five minutes.",
        "",
        _HEAD,
        re.sub(r"[^|]+", "---", _HEAD),
    ]
    walks = ["", "Whole walks while files came and went:", "", *(f"- {line}" for line in checks)]
    return "\n".join([*head, *map(row, answers), *walks])


def sections(page: Path) -> dict[str, str]:
    """What stands in a page about each database, so that one of them can be measured anew."""
    parts = re.split(r"^(?=## )", page.read_text(), flags=re.MULTILINE)[1:]
    return {part.split("\n")[0].removeprefix("## "): part.rstrip() for part in parts}


def report(texts: dict[str, str], options: dict) -> str:
    separator = "\n\n"
    return f"""# The list of files

Measured by `scripts/bench --listing`: {options["files"]:,} files with two copies each, changes going on beside it.
{machine()}, shared with the gateway, the database and whatever else ran.
One client, one connection. Times in ms: p50 / p99 / max; p50 and p99 of the first two are medians of three rounds.
"First page" and "random place" are three rounds of {options["requests"]} requests, a walk follows `after` for up to
{options["pages"]} pages; a round or a walk that takes more than {options["patience"]:g} s is cut off.
CPU is the processor time of gateway and database for one request: it does not wait for a processor.
"last / first fifth" divides the medians of the last and the first pages of the walk: 1 is flat.

{separator.join(texts.values())}
"""
