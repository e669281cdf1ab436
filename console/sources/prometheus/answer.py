"""What the query API answers, as structs; decoded once, in the worker thread that fetched it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from console.sources.sanitise import clean

MAX_POINTS = 50_000


class TooManyPoints(Exception):
    """The answer has more points than any screen shows; `points` says how many."""

    def __init__(self, points: int) -> None:
        super().__init__(f"{points:,} points")
        self.points = points


class Series(msgspec.Struct, frozen=True):
    """One series: its labels and its points (time by the server, value; NaN and infinities as they are)."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def value(self) -> float:
        """The newest value."""
        return self.points[-1][1]


class Answered(msgspec.Struct, frozen=True):
    """One query's answer. `at` is the moment it was evaluated for (the end, of a range)."""

    series: tuple[Series, ...]
    at: datetime
    server_date: datetime | None
    warnings: tuple[str, ...] = ()


class _Sample(msgspec.Struct):
    metric: dict[str, str] = {}
    value: tuple[float, str] | None = None
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: msgspec.Raw


class Envelope(msgspec.Struct, rename="camel"):
    """The frame of every answer of the API."""

    status: str = ""
    data: msgspec.Raw = msgspec.Raw(b"null")
    warnings: list[str] = []
    error_type: str = ""
    error: str = ""


_ENVELOPE = msgspec.json.Decoder(Envelope)
_DATA = msgspec.json.Decoder(_Data)
_SAMPLES = msgspec.json.Decoder(list[_Sample])
_SCALAR = msgspec.json.Decoder(tuple[float, str])


def envelope(body: bytes) -> Envelope:
    """Raises msgspec.MsgspecError for what is no answer of this API."""
    return _ENVELOPE.decode(body)


def series(data: msgspec.Raw) -> tuple[Series, ...]:
    """The series of an envelope's data: vector, matrix and scalar alike.

    Raises TooManyPoints, msgspec.MsgspecError, or ValueError for a result type that has no numbers (a
    string).
    """
    head = _DATA.decode(data)
    if head.result_type == "scalar":
        at, text = _SCALAR.decode(head.result)
        return (Series(labels={}, points=((at, float(text)),)),)
    if head.result_type not in ("vector", "matrix"):
        raise ValueError(f"a result of type {head.result_type[:20]!r}, not numbers")
    samples = _SAMPLES.decode(head.result)
    points = sum(len(sample.values) or 1 for sample in samples)
    if points > MAX_POINTS:
        raise TooManyPoints(points)
    return tuple(
        Series(
            labels={clean(name, 200): clean(value, 500) for name, value in sample.metric.items()},
            points=tuple((at, float(text)) for at, text in (sample.values or ([sample.value] if sample.value else []))),
        )
        for sample in samples
        if sample.values or sample.value  # native histograms have neither: there is no one number to show
    )
