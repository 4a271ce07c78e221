"""Prometheus' text format, read as strictly as Prometheus reads it."""

import re

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
_ESCAPES = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}

#: The samples by name and labels.
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(page: str) -> Samples:
    """Every sample of a page; fails on what Prometheus would refuse, and on what its conventions forbid."""
    assert page.endswith("\n"), "the last line has no end"
    found: Samples = {}
    kinds: dict[str, str] = {}
    family = ""
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            family, kind = line.split()[2:4]
            assert family not in kinds, f"{family} is there twice"
            kinds[family] = kind
            assert (kind == "counter") == family.endswith("_total"), f"{family} is a {kind}"
        elif not line.startswith("# HELP "):
            name, labels, value = _parsed(line)
            suffixes = ("_bucket", "_sum", "_count") if kinds.get(family) == "histogram" else ("",)
            assert name in [family + suffix for suffix in suffixes], f"{line} stands under {family}"
            assert (name, labels) not in found, f"{line} is there twice"
            found[name, labels] = value
    return found


def _parsed(line: str) -> tuple[str, frozenset[tuple[str, str]], float]:
    match = _SAMPLE.match(line)
    assert match, f"no sample: {line}"
    labels, rest = [], match[2] or ""
    while rest:
        label = _LABEL.match(rest)
        assert label, f"no label: {rest} in {line}"
        labels.append((label[1], re.sub(r'\\[\\"n]', lambda escape: _ESCAPES[escape[0]], label[2])))
        rest = rest[label.end() :]
    return match[1], frozenset(labels), float(match[3])


def value(found: Samples, name: str, **labels: str) -> float:
    """The one sample of that name that has these labels."""
    wanted = set(labels.items())
    values = [number for (known, has), number in found.items() if known == name and wanted <= has]
    assert len(values) == 1, f"{len(values)} samples of {name} have {labels}"
    return values[0]
