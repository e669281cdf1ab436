"""What a pack is made of."""

from __future__ import annotations

import msgspec

from console.model.metric import Join

PLACE = "instance, node, pod"  # what every formula keeps beside the stream: where it was told
WINDOW = "$w"


class Formula(msgspec.Struct, frozen=True):
    """One signal of all streams: a field of `Signals`, or `ingest_bps`, in the unit that the field has."""

    signal: str
    promql: str
    label: str = ""  # the value stands in this label, not in the sample (an `_info` metric)


class Pack(msgspec.Struct, frozen=True):
    """One exporter."""

    name: str
    presence: tuple[str, ...]  # it is here when any of these metrics is
    formulas: tuple[Formula, ...]
    # the labels that make the name of a stream, joined by `/`; the first of several ways in which the last label is filled
    names: tuple[tuple[str, ...], ...] = (("stream",),)
    join: Join = Join.STREAM
    protocol: str | None = None  # when it takes in only one
    trap: str = ""  # what its numbers do not mean, or why it has none


def by(*labels: str) -> str:
    """`by (stream, instance, node, pod)`."""
    return f"by ({', '.join(labels)}, {PLACE})"


def filled_rate(counter: str) -> str:
    """`rate` of a counter that was there for the whole window.

    Prometheus divides what it saw by the window, so a series that began within it (a publisher that came back, a server
    that was started) would be told with a part of its rate, and be accused of it.
    """
    return f"(rate({counter}[$w]) and {counter} offset $w)"
