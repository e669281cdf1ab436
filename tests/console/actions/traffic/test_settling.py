"""What stops a shift between two steps, and what does not."""

from __future__ import annotations

import msgspec
import pytest

from console.actions.audit.operation import Outcome
from console.actions.bearing import Bearer, Bearing
from console.actions.plan import Settle
from console.actions.scene import Scene
from console.actions.settling import stands, strained, unsettled
from console.model.finding import ChannelVerdict
from console.model.instant import Instant
from console.model.joined import Streams
from console.model.metric import Capacity, Gauge, GaugeSpec
from console.model.reading import Reading
from console.model.severity import Severity, State
from tests.hand_clock import START


def at(mono: float, load: float | None = 0.5, received: float | None = None, state: State = State.LIVE) -> Scene:
    gauge = Gauge(GaugeSpec("cdn a", "u", "t"), load, 1.0, START)
    seen = Instant(utc=START, mono=mono if received is None else received)
    return Scene(now=Instant(utc=START, mono=mono), capacity=Reading(value=Capacity((gauge,), {}), state=state, received=seen, as_of=START))


def bearing(**fields: object) -> Bearing:
    one = {"name": "lb-1 o/a", "used": 10.0, "total": 100.0, "requests": 1000, "errors": 2, **fields}
    return Bearing(bearers=(Bearer(**one),))  # type: ignore[arg-type]


LOAD = Settle(kind="load", at_least_s=10, limit_s=60, gauges=("cdn a",))


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (bearing(requests=1100, errors=4), ""),  # too few to say anything
        (bearing(requests=3000, errors=11), ""),  # about as many as ever
        (bearing(requests=1100, errors=12), "answered 10 of 100 requests with 5xx since the step"),
        (bearing(is_up=False), "is down"),
        (bearing(used=100.0), "is full: 100 of 100 sessions"),
        (bearing(requests=5, errors=0), "counts from 0 again"),
        (bearing(requests=None, errors=None), ""),
        (Bearing(drift="lb-1: weight of a is 100 and not 50"), "lb-1: weight of a is 100 and not 50"),
        (Bearing(trouble="no answer"), ""),  # waited for, not halted at once
    ],
)
def test_a_server_that_starts_failing_halts(found: Bearing, why: str):
    said = strained(Settle(kind="load"), at(0), at(20), bearing(), found, ())
    assert why in said and bool(said) is bool(why)


def test_what_was_bad_before_the_step_does_not_halt():
    for before, now in ((bearing(is_up=False), bearing(is_up=False)), (bearing(used=100.0), bearing(used=100.0))):
        assert not strained(LOAD, at(0), at(20), before, now, ())
    assert not strained(LOAD, at(0, 0.9), at(20, 0.85), Bearing(), Bearing(), ())


def test_a_gauge_above_its_warning_halts_when_it_has_risen():
    assert "cdn a is at 85%, above its warning at 80%" in strained(LOAD, at(0, 0.7), at(20, 0.85), Bearing(), Bearing(), ())
    assert strained(LOAD, at(0, 0.85), at(20, 0.9), Bearing(), Bearing(), ())
    assert not strained(LOAD, at(0, 0.7), at(20, 0.79), Bearing(), Bearing(), ())
    assert not strained(Settle(kind="load"), at(0, 0.7), at(20, 0.85), Bearing(), Bearing(), ())  # another's gauge


def streams(severity: Severity) -> Scene:
    value = Streams(channels={}, verdicts={"uk": ChannelVerdict("uk", severity)})
    scene = at(0)
    return msgspec.structs.replace(scene, streams=Reading(value=value, state=State.LIVE, received=scene.now, as_of=START))


@pytest.mark.parametrize(
    ("before", "now", "halts"),
    [
        (Severity.OK, Severity.WARN, True),
        (Severity.WARN, Severity.CRIT, True),
        (Severity.CRIT, Severity.CRIT, False),
        (Severity.CRIT, Severity.WARN, False),
        (Severity.OK, Severity.UNKNOWN, False),
    ],
)
def test_a_channel_that_gets_worse_halts(before: Severity, now: Severity, halts: bool):
    for names in ((), ("uk",)):
        assert bool(strained(LOAD, streams(before), streams(now), Bearing(), Bearing(), names)) is halts
    assert not strained(LOAD, streams(before), streams(now), Bearing(), Bearing(), ("other",))


def test_only_a_gauge_that_was_read_after_the_step_tells_of_it():
    assert unsettled(LOAD, at(20), Bearing(), Bearing(), since=15) == ""
    assert "have not told" in unsettled(LOAD, at(20, received=14), Bearing(), Bearing(), since=15)
    assert "cannot be seen" in unsettled(LOAD, at(20, state=State.ERROR), Bearing(), Bearing(), since=15)
    assert "has no number" in unsettled(LOAD, at(20, None), Bearing(), Bearing(), since=15)
    assert "no answer" in unsettled(LOAD, at(20), Bearing(), Bearing(trouble="no answer"), since=15)


def test_a_drained_server_must_lose_its_sessions():
    settle = Settle(kind="load", subject="lb-1 o/a")
    assert "still has 8" in unsettled(settle, at(20), bearing(), bearing(used=8.0), since=0)
    assert not unsettled(settle, at(20), bearing(), bearing(used=5.0), since=0)
    assert "cannot be seen" in unsettled(settle, at(20), bearing(), Bearing(), since=0)


def test_at_the_end_every_balancer_is_told_by_name():
    assert stands([bearing(), bearing()], ()).outcome is Outcome.SUCCESS
    drifted = stands([Bearing(drift="lb-1: weight 100"), Bearing(drift="lb-2: weight 90")], ())
    assert drifted.outcome is Outcome.FAILURE and drifted.text == "lb-1: weight 100; lb-2: weight 90"
    assert stands([bearing(), Bearing(trouble="lb-2: no answer")], ()).text == "cannot be seen: lb-2: no answer"
    assert stands([bearing()], ("lb-1 o/a",)).outcome is None
    assert stands([bearing(used=0.0)], ("lb-1 o/a",)).outcome is Outcome.SUCCESS
    assert stands([bearing(used=100.0)], ()).text == "full: lb-1 o/a"
