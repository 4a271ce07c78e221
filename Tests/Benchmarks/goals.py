"""What the gateway is meant to reach, and whether a run found that it does."""

import operator
import statistics
from collections.abc import Callable
from dataclasses import dataclass

from chats import TEN_FILES
from results import Table
from transfers import THREE
from ways import GANTRY, VERTEX

Tables = dict[str, Table]


@dataclass(frozen=True)
class Measure:
    """A number of each round: one way's own, or what comes of it and another way's of the same round."""

    table: str
    column: str
    way: str
    other: str | None = None
    how: Callable[[float, float], float] = operator.truediv

    def numbers(self, tables: Tables) -> list[float]:
        table = tables.get(self.table)
        if table is None:
            return []
        if self.other is None:
            return table.numbers(self.way, self.column)
        return [self.how(*pair) for pair in table.pairs(self.column, self.way, self.other)]

    def bounded(self, tables: Tables) -> str | None:
        """The way of whose number only a lower bound is known."""
        if self.table not in tables:
            return None
        ways = (self.way, self.other or self.way)
        return next((way for way in ways if (way, self.column) in tables[self.table].bounds), None)


@dataclass(frozen=True)
class Goal:
    """A limit for the median of a measure's rounds, or for the greatest median of several measures."""

    name: str
    #: In the unit that is shown.
    limit: float
    measures: tuple[Measure, ...]
    unit: str = ""
    digits: int = 2
    #: How many of the measures' units make one that is shown.
    scale: float = 1
    #: Whether it has to be reached, not kept under.
    is_least: bool = False

    def row(self, tables: Tables) -> str:
        limit = f"at {'least' if self.is_least else 'most'} {self._text(self.limit)}"
        found = [(measure, numbers) for measure in self.measures if (numbers := measure.numbers(tables))]
        if len(found) < len(self.measures):
            return f"| {self.name} | not measured | {limit} | |"
        measure, numbers = max(found, key=lambda one: statistics.median(one[1]))
        numbers = [number / self.scale for number in numbers]
        median = statistics.median(numbers)
        text = self._text(median)
        if len(numbers) > 1:
            text += f" ({min(numbers):{self._form}} to {max(numbers):{self._form}})"
        is_reached = median >= self.limit if self.is_least else median <= self.limit
        verdict = ["reached" if is_reached else "**missed**"]
        if bounded := measure.bounded(tables):
            verdict.append(f"{bounded}'s is a lower bound")
        if len(numbers) < (rounds := len(tables[measure.table].values[measure.way])):
            verdict.append(f"{len(numbers)} of {rounds} rounds")
        return f"| {self.name} | {text} | {limit} | {'; '.join(verdict)} |"

    @property
    def _form(self) -> str:
        return f",.{self.digits}f"

    def _text(self, value: float) -> str:
        return f"{value:{self._form}} {self.unit}".rstrip()


def _ratio(table: str, column: str, way: str, other: str) -> tuple[Measure]:
    return (Measure(table, column, way, other),)


def _added(table: str, column: str, way: str, other: str) -> tuple[Measure]:
    return (Measure(table, column, way, other, operator.sub),)


def _memory(table: str, way: str = GANTRY, column: str = "memory") -> Measure:
    return Measure(table, column, way)


#: Each of them, since the most that they leave is what counts.
_LOADED = tuple(_memory(table) for table in ("chat", "files", "stream", "large"))

GOALS = (
    Goal("chat with 1 file: CPU / Envoy's", 1, _ratio("files", "cpu", GANTRY, "envoy")),
    Goal("chat with 1 file: CPU / smg's", 0.25, _ratio("files", "cpu", GANTRY, "smg")),
    Goal("chat, plain: requests/s / nginx's", 0.7, _ratio("chat", "rps", GANTRY, "nginx"), is_least=True),
    Goal("chat with 1 file: requests/s / nginx's", 0.7, _ratio("files", "rps", GANTRY, "nginx"), is_least=True),
    Goal("chat with 1 file: p50 less nginx's", 100, _added("files", "p50", GANTRY, "nginx"), "us", 0),
    Goal("chat with 1 file: p99 less nginx's", 1000, _added("files", "p99", GANTRY, "nginx"), "us", 0),
    Goal("10 files instead of 1: CPU added", 20, _added("files", "cpu", TEN_FILES, GANTRY), "us", 1),
    Goal("chat with 1 file, Vertex AI: CPU / OpenAI's", 2.5, _ratio("files", "cpu", VERTEX, GANTRY)),
    Goal("chat, streamed: first event's p50 less direct's", 300, _added("stream", "p50", GANTRY, "direct"), "us", 0),
    Goal("chat, streamed: first event's p99 less direct's", 300, _added("stream", "p99", GANTRY, "direct"), "us", 0),
    Goal("upload of 1 GB: MB/s / nginx's", 0.6, _ratio("upload-1gb", "rate", GANTRY, "nginx"), is_least=True),
    Goal("upload of 1 GB, 3 targets: time / 1 target's", 1.4, _ratio("upload-1gb", "rate", GANTRY, THREE)),
    Goal("memory, idle", 40, (_memory("start"),), "MB", 1, 1e6),
    Goal("memory, loaded", 80, _LOADED, "MB", 1, 1e6),
    Goal(
        "upload of 1 GB: memory added",
        32,
        (_memory("upload-1gb"), _memory("upload-1gb", THREE)),
        "MB",
        1,
        1e6,
    ),
    Goal("open streams: how many at once", 2000, (Measure("streams", "open", GANTRY),), "", 0, is_least=True),
    Goal("open streams: memory for each", 40, (_memory("streams", column="each"),), "kB", 1, 1e3),
    Goal("start to first 200", 0.15, (Measure("start", "start", GANTRY),), "s", 3),
)


def text(tables: Tables) -> str:
    """The table of all goals."""
    rows = "\n".join(goal.row(tables) for goal in GOALS)
    return f"| goal | measured | limit | |\n| --- | --- | --- | --- |\n{rows}"
