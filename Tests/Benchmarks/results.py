"""Tables of numbers, a row for each way, a cell for what all rounds found."""

import statistics
from dataclasses import dataclass, field


@dataclass
class Column:
    """A number that each round has."""

    title: str
    digits: int = 0
    #: The number is divided by this before it is shown.
    scale: float = 1


@dataclass
class Table:
    """What a scenario found: for each way and column a number of each round."""

    title: str
    note: str
    columns: dict[str, Column]
    values: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    #: What stands in a row that has no numbers.
    remarks: dict[str, str] = field(default_factory=dict)
    #: Cells of which only a bound is known: the load's processor was full before the server's.
    bounds: set[tuple[str, str]] = field(default_factory=set)

    def numbers(self, way: str, column: str) -> list[float]:
        return [round[column] for round in self.values.get(way, []) if column in round]

    def pairs(self, column: str, way: str, other: str) -> list[tuple[float, float]]:
        """Both ways' numbers of each round that has both."""
        rounds = zip(self.values.get(way, []), self.values.get(other, []), strict=False)
        return [(mine[column], theirs[column]) for mine, theirs in rounds if column in mine and theirs.get(column)]

    def compare(self, column: str, other: str, name: str, title: str, *, difference: bool = False) -> None:
        """Adds a column: this one divided by the same round's of another way, or less that."""
        self.columns[name] = Column(title, 0 if difference else 2)
        for rounds in self.values.values():
            for mine, theirs in zip(rounds, self.values.get(other, []), strict=False):
                if column in mine and theirs.get(column):
                    mine[name] = mine[column] - theirs[column] if difference else mine[column] / theirs[column]

    def text(self) -> str:
        heads = ["", *(column.title for column in self.columns.values())]
        lines = [self._line(heads), self._line(["---"] * len(heads))]
        for way, remark in self.remarks.items():
            if way not in self.values:
                self.values[way] = []
            if not self.values[way]:
                lines.append(self._line([way, remark, *[""] * (len(self.columns) - 1)]))
        rows = [
            self._line([way, *(self._cell(way, name) for name in self.columns)])
            for way in self.values
            if self.values[way]
        ]
        lines[2:2] = rows
        body = "\n".join(lines)
        remarks = [f"{way}: {text}." for way, text in self.remarks.items() if self.values[way]]
        return "\n\n".join(part for part in (f"## {self.title}", self.note, body, "\n".join(remarks)) if part)

    def _cell(self, way: str, name: str) -> str:
        numbers = [number / self.columns[name].scale for number in self.numbers(way, name)]
        if not numbers:
            return "-"
        form = f",.{self.columns[name].digits}f"
        bound = ">= " if (way, name) in self.bounds else ""
        median = f"{bound}{statistics.median(numbers):{form}}"
        return median if len(numbers) == 1 else f"{median} ({min(numbers):{form}} to {max(numbers):{form}})"

    @staticmethod
    def _line(cells: list[str]) -> str:
        return "| " + " | ".join(cells) + " |"
