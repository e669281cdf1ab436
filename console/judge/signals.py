"""What numbers of exporters mean: findings of the layers before the package, from one sample of each signal after the other.

A value has to be bad for a while before it is told (`for_s`, by the time of its samples: one sample heard twice is one), and
good for longer before it is taken back. What is not told is not well: a finding whose value nobody tells any more is neither
repeated nor cleared, and the caller shows the channel as unknown. Pure; the caller keeps the memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from statistics import median
from typing import NamedTuple

import msgspec

from console.judge.codes import Code
from console.judge.signal_rules import SIGNAL_RULES, SignalRule, severity
from console.model.finding import Finding
from console.model.instant import Instant
from console.model.metric import ChannelMetrics
from console.model.severity import Layer, Severity

CLEAR_S, CLEAR_SAMPLES = 30.0, 5
REFERENCE_S = 600.0
REFERENCE_SAMPLES = 6  # fewer are no habit
REFERENCE_SPAN_S = 60.0
RELEARN_S = 1800.0  # after so long a low rate is what the contribution now is
FORGET_S = 600.0  # how long the silence of what told a finding is worth telling
MOST_SAMPLES = 256
_OK = Severity.OK


class Sample(NamedTuple):
    """A value of one code, and what led to it."""

    value: float
    signal: str  # the field of Signals that was new
    says: str
    facts: Mapping[str, str | int | float]


class Held(msgspec.Struct, frozen=True):
    """What is remembered of one code."""

    at: float  # of the newest sample, monotonic
    level: Severity = _OK
    warn_since: Instant | None = None
    crit_since: Instant | None = None
    first: Instant | None = None  # of the present spell
    last_bad: Instant | None = None
    good: int = 0  # samples in a row
    bad: Sample | None = None  # the newest that was


class Habit(msgspec.Struct, frozen=True):
    """The last ten minutes of one number."""

    samples: tuple[tuple[float, float], ...] = ()  # (when, monotonic; value), oldest first

    def with_sample(self, at: float, value: float) -> Habit:
        if self.samples and at <= self.samples[-1][0]:
            return self
        first = 0
        while first < len(self.samples) and at - self.samples[first][0] >= REFERENCE_S:
            first += 1
        return Habit((*self.samples[first:], (at, value))[-MOST_SAMPLES:])

    @property
    def usual(self) -> float | None:
        """The median; None while there is no habit yet."""
        samples = self.samples
        if len(samples) < REFERENCE_SAMPLES or samples[-1][0] - samples[0][0] < REFERENCE_SPAN_S:
            return None
        return median([value for _, value in samples])


class SignalMemory(msgspec.Struct, frozen=True):
    """Of one channel."""

    held: Mapping[Code, Held] = {}
    bitrate: Habit = Habit()
    fps: Habit = Habit()


class Heard(msgspec.Struct, frozen=True):
    """What a step gives."""

    memory: SignalMemory
    findings: tuple[Finding, ...] = ()
    unknown: str = ""  # why a finding that stood can neither be told nor taken back


def step(
    memory: SignalMemory,
    channel: str,
    metrics: ChannelMetrics,
    at: Mapping[str, Instant],
    now: Instant,
    formulas: Mapping[str, str] | None = None,
) -> Heard:
    """`at`: when each signal was sampled; those that are not in it are not told by anybody now, or not to be believed."""
    held: dict[Code, Held] = {}
    findings: list[Finding] = []
    silent: list[str] = []
    told = _told(metrics, at)
    for code, read in _READERS.items():
        before = memory.held.get(code)
        sample = read(told, memory)
        is_older = sample is not None and before is not None and at[sample.signal].mono < before.at  # another teller's
        if sample is None or is_older or not math.isfinite(sample.value):
            if before is not None and before.level is not _OK and now.mono - before.at < FORGET_S:
                held[code] = before
                silent.append(code.value)
            continue
        rule = SIGNAL_RULES[code]
        if severity(rule, sample.value) is not _OK:
            sample = _sourced(sample, metrics, formulas or {})
        elif before is None:
            continue  # well, as it was: nothing to remember
        after = _held(before, rule, sample, at[sample.signal])
        if after.level is not _OK or after.warn_since is not None:
            held[code] = after
        if after.level is not _OK:
            findings.append(_finding(channel, code, after))
    unknown = f"source: nobody tells any more whether {', '.join(silent)} holds" if silent else ""
    return Heard(_learned(memory, held, told, at, now), tuple(findings), unknown)


# -- reading a value --------------------------------------------------------------------------------------------------
def _told(metrics: ChannelMetrics, at: Mapping[str, Instant]) -> dict[str, float]:
    """The signals that are believed: sampled, and finite numbers."""
    values = {name: metrics.ingest_bps if name == "ingest_bps" else getattr(metrics.signals, name, None) for name in at}
    return {name: value for name, value in values.items() if value is not None and math.isfinite(value)}


def _bitrate(told: Mapping[str, float], memory: SignalMemory) -> Sample | None:
    bps, signal = told.get("ingest_bps"), "ingest_bps"
    if bps is None and told.get("publishers") == 0:
        bps, signal = 0.0, "publishers"
    of = "declared" if "declared_bps" in told else "usual"
    if bps is None:
        return None
    expected = told["declared_bps"] if of == "declared" else memory.bitrate.usual
    if expected is None or expected <= 0:
        return None
    nobody = ": nobody publishes" if signal == "publishers" else ""
    return Sample(
        bps / expected,
        signal,
        f"receives {_mbit(bps)} of {_mbit(expected)} {of}{nobody}",
        {"received_bps": round(bps), "expected_bps": round(expected), "expected": of},
    )


def _fps(told: Mapping[str, float], memory: SignalMemory) -> Sample | None:
    """Measured against what the metadata declares; where nobody measures, what is declared now against what was."""
    signal = "fps" if "fps" in told else "fps_declared"
    fps = told.get(signal)
    if fps is None:
        return None
    nominal = (told.get("fps_declared") if signal == "fps" else None) or memory.fps.usual
    if nominal is None or nominal <= 0:
        return None
    return Sample(
        abs(fps - nominal) / nominal,
        signal,
        f"{'comes' if signal == 'fps' else 'is declared'} at {fps:g} frames/s, nominal {nominal:g}",
        {"fps": round(fps, 3), "nominal_fps": round(nominal, 3)},
    )


def _reconnects(told: Mapping[str, float], _: SignalMemory) -> Sample | None:
    """Whole ones: a rate over five minutes is extrapolated to more than there were."""
    value = told.get("reconnects")
    if value is None:
        return None
    count = math.floor(value + 1e-6)
    return Sample(float(count), "reconnects", f"came back {count} times in 5 minutes", {"reconnects": count})


def _drop(told: Mapping[str, float], _: SignalMemory) -> Sample | None:
    value = told.get("drop_ratio")
    if value is None:
        return None
    facts = _facts(told, "drop_ratio", "loss_ratio")  # the second is recovered: told, never judged
    return Sample(value, "drop_ratio", f"loses {value * 100:.3g} % of its packets for good", facts)


def _budget(told: Mapping[str, float], _: SignalMemory) -> Sample | None:
    value = told.get("latency_budget")
    if value is None:
        return None
    says = f"has a latency of {value:.1f} round trips, should have 4"
    return Sample(value, "latency_budget", says, _facts(told, "latency_budget", "rtt_s"))


def _speed(told: Mapping[str, float], _: SignalMemory) -> Sample | None:
    value = told.get("speed")
    if value is None:
        return None
    return Sample(round(value, 2), "speed", f"runs at {value:.2f} of real time", _facts(told, "speed"))


def _facts(told: Mapping[str, float], *names: str) -> dict[str, str | int | float]:
    return {name: round(told[name], 6) for name in names if name in told}


_READERS: dict[Code, Callable[[Mapping[str, float], SignalMemory], Sample | None]] = {
    Code.INGEST_LOW: _bitrate,
    Code.INGEST_FPS: _fps,
    Code.INGEST_RECONNECTS: _reconnects,
    Code.SRT_DROP: _drop,
    Code.SRT_BUDGET: _budget,
    Code.TRANSCODE_SLOW: _speed,
}
_WHO = {Layer.INGEST: "contribution", Layer.TRANSCODE: "transcoder"}


# -- believing it -----------------------------------------------------------------------------------------------------
def _held(before: Held | None, rule: SignalRule, sample: Sample, at: Instant) -> Held:
    if before is not None and at.mono <= before.at:
        return before
    was = before or Held(at.mono)
    now = severity(rule, sample.value)
    warn_since = (was.warn_since or at) if now is not _OK else None
    crit_since = (was.crit_since or at) if now is Severity.CRIT else None
    level = was.level
    if crit_since is not None and at.mono - crit_since.mono >= rule.for_s:
        level = Severity.CRIT
    elif warn_since is not None and at.mono - warn_since.mono >= rule.for_s and level is _OK:
        level = Severity.WARN
    if now is not _OK:
        first = was.first if was.level is not _OK else warn_since
        return Held(at.mono, level, warn_since, crit_since, first, at, 0, sample)
    is_good = sample.value >= rule.clear if rule.low_is_bad else sample.value <= rule.clear
    good = was.good + 1 if is_good else 0
    quiet_s = at.mono - was.last_bad.mono if was.last_bad is not None else math.inf
    if level is _OK or (good >= CLEAR_SAMPLES and quiet_s >= CLEAR_S):
        return Held(at.mono)
    return Held(at.mono, level, None, None, was.first, was.last_bad, good, was.bad)


def _learned(
    memory: SignalMemory, held: Mapping[Code, Held], told: Mapping[str, float], at: Mapping[str, Instant], now: Instant
) -> SignalMemory:
    """A habit is learned while nothing is wrong with it, or when it has been so for so long that it is the new one."""

    def habit(before: Habit, signal: str, code: Code) -> Habit:
        value = told.get(signal)
        if value is None:
            return before
        since = held[code].warn_since if code in held else None
        if since is None:
            return before.with_sample(at[signal].mono, value)
        if now.mono - since.mono < RELEARN_S or value <= 0:
            return before
        return Habit().with_sample(at[signal].mono, value)

    fps = "fps" if "fps" in told else "fps_declared"
    return SignalMemory(
        held, habit(memory.bitrate, "ingest_bps", Code.INGEST_LOW), habit(memory.fps, fps, Code.INGEST_FPS)
    )


# -- telling it -------------------------------------------------------------------------------------------------------
def _sourced(sample: Sample, metrics: ChannelMetrics, formulas: Mapping[str, str]) -> Sample:
    """With who told it, by which formula, and where."""
    signals = metrics.signals
    pack = signals.sources.get(sample.signal, "")
    sources = {
        "told_by": pack,
        "formula": formulas.get(f"{pack} {sample.signal}", ""),
        "publishers": signals.notes.get(sample.signal, ""),
        "node": signals.node or "",
    }
    return sample._replace(facts={**sample.facts, **{key: text for key, text in sources.items() if text}})


def _finding(channel: str, code: Code, held: Held) -> Finding:
    assert held.bad is not None and held.first is not None and held.last_bad is not None
    rule, sample = SIGNAL_RULES[code], held.bad
    return Finding(
        code=code.value,
        entity=channel,
        rendition=None,
        layer=rule.layer,
        vantage=None,
        severity=held.level,
        reason=f"{_WHO[rule.layer]} {sample.says}",
        first_seen=held.first.utc,
        last_seen=held.last_bad.utc,
        evidence={
            "value": round(sample.value, 6),
            "unit": rule.unit,
            "limit": rule.crit if held.level is Severity.CRIT else rule.warn,
            **sample.facts,
        },
    )


def _mbit(bps: float) -> str:
    return f"{bps / 1e6:.2f} Mbit/s"
