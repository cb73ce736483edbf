"""Numbers in the text format that Prometheus reads, version 0.0.4.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

type Labels = Mapping[str, object]
type Value = int | float | str  # a string is a decimal, written as it is
type Sample = tuple[str, Labels, Value]  # what comes behind the family's name


@dataclass(frozen=True, kw_only=True)
class Family:
    """A number with a name, once for each set of labels."""

    name: str
    kind: str  # "gauge", "counter", "histogram"
    help: str
    samples: Sequence[Sample]


def gauge(name: str, help: str, samples: Iterable[tuple[Labels, Value]]) -> Family:
    return Family(name=name, kind="gauge", help=help, samples=[("", *sample) for sample in samples])


def counter(name: str, help: str, samples: Iterable[tuple[Labels, Value]]) -> Family:
    return Family(name=name, kind="counter", help=help, samples=[("", *sample) for sample in samples])


def histogram(
    name: str,
    help: str,
    bounds: Sequence[float],
    samples: Iterable[tuple[Labels, Sequence[int], float]],
) -> Family:
    """Each sample has how many lie in each bucket by itself, those beyond the last bound too, and a sum."""
    made = [one for sample in samples for one in _of_histogram(bounds, *sample)]
    return Family(name=name, kind="histogram", help=help, samples=made)


def _of_histogram(
    bounds: Sequence[float], labels: Labels, within: Sequence[int], total: float
) -> Iterator[Sample]:
    for bound, n in zip([*bounds, "+Inf"], accumulate(within), strict=True):
        yield "_bucket", {**labels, "le": bound}, n
    yield "_sum", labels, total
    yield "_count", labels, sum(within)


def write(families: Iterable[Family]) -> str:
    return "".join(line + "\n" for family in families for line in _lines(family))


def _lines(family: Family) -> Iterator[str]:
    yield f"# HELP {family.name} {family.help}"
    yield f"# TYPE {family.name} {family.kind}"
    for suffix, labels, value in family.samples:
        yield f"{family.name}{suffix}{_braces(labels)} {value}"


def _braces(labels: Labels) -> str:
    pairs = ",".join(f'{name}="{_escaped(str(value))}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
