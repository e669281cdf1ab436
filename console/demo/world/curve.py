"""A rate that can be integrated exactly: constant + sines + the marks that faults leave.

Prometheus counters are integrals. Summing a rate over eight days for every scrape would be slow and would
differ between two processes; sines and straight ramps have closed forms, so every signal that feeds a
counter is a `Curve`.
"""

from __future__ import annotations

from math import cos, sin

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """What a fault of `kind` adds at its height: it rises linearly in `rise_s`, stays, and falls in `fall_s`
    after the fault's end. A fault shorter than `rise_s` falls from where it got to."""

    kind: str
    height: float
    rise_s: float
    fall_s: float
    beneath: Curve | None = None
    """With it, `height` is where the fault brings things to: it adds what lacks of that above this curve's waves at the
    fault's start, so that whatever the hour it ends at the same level."""

    def times(self, factor: float) -> Mark:
        beneath = None if self.beneath is None else self.beneath.times(factor)
        return Mark(self.kind, self.height * factor, self.rise_s, self.fall_s, beneath)

    def added(self, start_ts: float) -> float:
        """At its height, by a fault that started then (Unix seconds)."""
        return self.height if self.beneath is None else max(0.0, self.height - self.beneath.waves(start_ts))


class Curve(msgspec.Struct, frozen=True):
    constant: float
    sines: tuple[tuple[float, float, float], ...] = ()
    """(amplitude, angular frequency in 1/s, phase)."""
    marks: tuple[Mark, ...] = ()

    def times(self, factor: float) -> Curve:
        return Curve(
            self.constant * factor,
            tuple((amplitude * factor, omega, phase) for amplitude, omega, phase in self.sines),
            tuple(mark.times(factor) for mark in self.marks),
        )

    def plus(self, other: Curve) -> Curve:
        return Curve(self.constant + other.constant, self.sines + other.sines, self.marks + other.marks)

    def waves(self, ts: float) -> float:
        return self.constant + sum(a * sin(omega * ts + phase) for a, omega, phase in self.sines)

    def waves_area(self, since: float, until: float) -> float:
        area = self.constant * (until - since)
        for amplitude, omega, phase in self.sines:
            area += amplitude / omega * (cos(omega * since + phase) - cos(omega * until + phase))
        return area


def envelope(x: float, duration_s: float, rise_s: float, fall_s: float) -> float:
    """0..1 at `x` seconds after a fault's start."""
    if x <= 0.0:
        return 0.0
    if x < duration_s:
        return min(1.0, x / rise_s) if rise_s > 0 else 1.0
    top = min(1.0, duration_s / rise_s) if rise_s > 0 else 1.0
    return top * max(0.0, 1.0 - (x - duration_s) / fall_s) if fall_s > 0 else 0.0


def envelope_area(x: float, duration_s: float, rise_s: float, fall_s: float) -> float:
    """Integral of `envelope` from 0 to `x`."""
    if x <= 0.0:
        return 0.0
    inside = min(x, duration_s)
    rising = min(inside, rise_s)
    area = (rising * rising / (2 * rise_s) if rise_s > 0 else 0.0) + (inside - rising)
    if x > duration_s and fall_s > 0:
        top = min(1.0, duration_s / rise_s) if rise_s > 0 else 1.0
        falling = min(x - duration_s, fall_s)
        area += top * (falling - falling * falling / (2 * fall_s))
    return area
