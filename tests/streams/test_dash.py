"""Scenario 13 and its kin, over real sockets: broken MPDs, segments and time sources of DASH channels, and healthy ones beside them
of which nothing may be said. T is 1 s but where it says otherwise, and all deadlines scale with it.
"""

from __future__ import annotations

from typing import Any

import pytest

from console.model.channel import Channel, Vantage
from console.model.severity import Layer, Severity
from tests.streams import dash_faults
from tests.streams.dash import DashShow, Style
from tests.streams.dash_faults import Fault
from tests.streams.night import BEGIN, Night, Told, Watched
from tests.streams.station import Reply

START_S = 4.0
START = BEGIN + START_S
END_S = 21.0
RIG_S = 0.6  # the rig looks ten times a second and gathers for half of one
P_S = 1.0  # the poll: min(minimumUpdatePeriod, T/2), at least a second

EDGES = ("lhr", "syd", "nrt")
HEALTHY = {
    "time": Style(),
    "number": Style(addressing="number", sound_wobbles=True),
    "clock": Style(addressing="clock"),
    "open": Style(is_open=True),
    "periods": Style(period_every=6, sound_wobbles=True),
    "continuous periods": Style(period_every=6, has_continuity=True, addressing="number"),
    "clocked periods": Style(addressing="clock", period_every=7, offset_s=3.0),
    "edges": Style(edges=EDGES, ttl_s=0.5, has_origin=True),
    "edges alone": Style(edges=EDGES, ttl_s=0.5, has_origin=False, sound_wobbles=True),
    "head clock": Style(utc="http-head"),
    "xsdate": Style(utc="http-xsdate", offset_s=7.5),
    "direct": Style(utc="direct"),
    "rare updates": Style(update_s=5.0),
    "always": Style(update_s=0.0),
    "long": Style(target_s=4.0, update_s=2.0, delay_s=12.0),
    "no delay": Style(delay_s=None),
}


class Case(dict[str, Any]):
    """style, fault, and what has to be said of it: within how many seconds, and how grave."""


def _case(fault: Fault, within_s: float, severity: Severity = Severity.WARN, style: Style | None = None, **more: Any) -> Case:
    return Case(fault=fault, within_s=within_s, severity=severity, style=style or Style(), **more)


W, C = Severity.WARN, Severity.CRIT
# an event or a standing fault: the next copy (T + latency), the poll that shows it, and its re-fetch
SHOWN_S = 1.3 + P_S
LAUGHS = Reply(body=b'<!DOCTYPE MPD [<!ENTITY a "&a;&a;">]><MPD type="dynamic"><Period>&a;</Period></MPD>')
CASES = {
    "frozen": _case(dash_faults.Frozen(start=START), 1.0 + 3.0 + P_S, C),
    "frozen, T 4": _case(dash_faults.Frozen(start=START), 2.0 + 12.0 + 2.0, C, Style(target_s=4.0, update_s=2.0, delay_s=12.0)),
    "frozen number": _case(dash_faults.Frozen(start=START), 1.0 + 3.0 + P_S, C, Style(addressing="number")),
    "ast back": _case(dash_faults.AstMoved(start=START), SHOWN_S, C),
    "ast forth": _case(dash_faults.AstMoved(start=START, by_s=10.0), SHOWN_S, C, Style(addressing="number")),
    "ast of clocked": _case(dash_faults.AstMoved(start=START, by_s=-30.0), SHOWN_S, C, Style(addressing="clock")),
    "clock 5 s ahead": _case(dash_faults.ClockOff(start=START), 4.0 + 1.0 + 2 * P_S, C),
    "clock 1.2 s behind": _case(dash_faults.ClockOff(start=START, by_s=-1.2), 4.0 + 1.0 + 2 * P_S, W),
    "clock by head": _case(dash_faults.ClockOff(start=START, by_s=4.0), 4.0 + 1.0 + 2 * P_S, C, Style(utc="http-head")),
    "no clock": _case(dash_faults.NoClock(start=START), SHOWN_S, W),
    "gap": _case(dash_faults.Gap(start=START), SHOWN_S, W),
    "gap of a segment": _case(dash_faults.Gap(start=START, by_s=2.0), SHOWN_S, C),
    "edited": _case(dash_faults.Edited(start=START), SHOWN_S, W),
    "missing": _case(dash_faults.Missing(start=START), 3 * P_S, C),
    "missing, clocked": _case(dash_faults.Missing(start=START), 3 * P_S, C, Style(addressing="clock")),
    "missing, open": _case(dash_faults.Missing(start=START), 3 * P_S, C, Style(is_open=True)),
    "buffer gone": _case(dash_faults.BufferGone(start=START), 3 * P_S, W),
    "buffer gone, clocked": _case(dash_faults.BufferGone(start=START), 3 * P_S, W, Style(addressing="clock")),
    "ended": _case(dash_faults.Ended(start=START), SHOWN_S, C),
    "became static": _case(dash_faults.Ended(start=START, to_static=True), SHOWN_S, C),
    "drifting": _case(dash_faults.Drifting(start=START), 5.0 + 3 * P_S, W),  # it grows by 0.2 s a second
    "hole": _case(dash_faults.Hole(start=START), SHOWN_S, W, Style(period_every=6)),
    "hasty delay": _case(dash_faults.HastyDelay(start=START), SHOWN_S, W),
    "html": _case(dash_faults.Unreadable(start=START), 3 * P_S, C),
    "doctype": _case(dash_faults.Unreadable(start=START, reply=LAUGHS), 3 * P_S, C),
    "refused": _case(dash_faults.Refused(start=START), 3 * P_S, C),
    "frozen edge": _case(
        dash_faults.Frozen(start=START, vantages=("edge-lhr",)), 1.0 + 3.0 + P_S + 0.5, W, Style(edges=EDGES, ttl_s=0.5),
        layer="edge", at=("edge-lhr",), is_at_most_warn=True,
    ),
    "frozen everywhere": _case(
        dash_faults.Frozen(start=START), 1.0 + 3.0 + P_S, C, Style(edges=EDGES, ttl_s=0.5), layer="package"
    ),
    "frozen, no origin": _case(
        dash_faults.Frozen(start=START), 1.0 + 3.0 + P_S + 0.5, C, Style(edges=EDGES, ttl_s=0.5, has_origin=False), layer="package"
    ),
}  # fmt: skip


def channel_of(name: str, style: Style) -> Channel:
    places = []
    for vantage in style.vantages:
        layer = Layer.ORIGIN if vantage == "origin" else Layer.EDGE
        pop = vantage.removeprefix("edge-") if layer is Layer.EDGE else None
        places.append(Vantage(vantage, layer, f"http://{vantage}.test/{name}/live.mpd", pop=pop, service=vantage))
    return Channel(name=name, vantages=tuple(places))


def _word(name: str) -> str:
    return name.replace(" ", "-").replace(",", "")


@pytest.fixture(scope="module")
def night() -> Night:
    night = Night(policy="newest")
    for name, style in HEALTHY.items():
        word = _word(f"healthy-{name}")
        night.add_show(channel_of(word, style), DashShow(word, style, BEGIN))
    for name, case in CASES.items():
        word = _word(name)
        night.add_show(channel_of(word, case["style"]), DashShow(word, case["style"], BEGIN, (case["fault"],)))
    night.run(END_S)
    assert not night.errors
    return night


def _lines(watched: Watched) -> str:
    return "\n".join(f"{told.first - BEGIN:.1f}..{told.last - BEGIN:.1f} {told.severity} {told.code} {told.layer} {told.reason}" for told in watched.told)


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_said_of_a_healthy_show(night: Night, name: str) -> None:
    watched = night.watched[_word(f"healthy-{name}")]
    assert not watched.told, _lines(watched)
    assert watched.last is not None and watched.last.severity is Severity.OK and watched.last.is_settled


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_within_its_deadline(night: Night, name: str) -> None:
    case = CASES[name]
    fault: Fault = case["fault"]
    watched = night.watched[_word(name)]
    right = [told for told in watched.told if told.code == fault.code and _is_right(told, case)]
    first = min((told.first for told in right), default=None)
    assert first is not None, f"{fault.code} was never said:\n{_lines(watched)}"
    assert first - START <= case["within_s"] + RIG_S, f"after {first - START:.1f} s, {_lines(watched)}"


def _is_right(told: Told, case: Case) -> bool:
    if told.severity is not case["severity"] and not (case["severity"] is W and told.severity is C):
        return False
    return told.layer == case.get("layer", told.layer) and told.vantages == case.get("at", told.vantages)


@pytest.mark.parametrize("name", CASES)
def test_nothing_else_is_said_than_what_is_true(night: Night, name: str) -> None:
    case = CASES[name]
    fault: Fault = case["fault"]
    watched = night.watched[_word(name)]
    others = [told for told in watched.told if told.code != fault.code and told.code not in fault.may]
    assert not others, _lines(watched)
    assert all(told.first >= START for told in watched.told), _lines(watched)
    if case.get("is_at_most_warn"):
        assert all(told.severity is W for told in watched.told), _lines(watched)


def test_an_mpd_is_never_stale_by_the_rule_of_hls(night: Night) -> None:
    assert not [told for watched in night.watched.values() for told in watched.told if told.code == "STALE"]


def test_an_mpd_is_one_question_a_period_and_its_segments_one_each(night: Night) -> None:
    asked = night.station.asked["healthy-time"]
    segments = END_S / 1.0
    # MPD, newest and oldest segment a second, the initialisation section once, the time source every 4 s
    assert 2.5 * segments < asked < 3.6 * segments


@pytest.mark.parametrize("by_s", [6.0, -6.0])
def test_a_clock_of_ours_that_is_set_accuses_nobody(by_s: float) -> None:
    """For six seconds, and back. LATENCY is told of all playlists by our wall clock, MPD or not, and is not judged here."""
    night = Night(policy="newest")
    for name in ("time", "clock", "open", "edges"):
        word, style = _word(name), HEALTHY[name]
        night.add_show(channel_of(word, style), DashShow(word, style, BEGIN))
    night.at(6.0, lambda one: setattr(one.clock, "wall_offset_s", by_s))
    night.at(12.0, lambda one: setattr(one.clock, "wall_offset_s", 0.0))
    night.run(20.0)
    told = [told for watched in night.watched.values() for told in watched.told if told.code != "LATENCY"]
    assert not told, "\n".join(_lines(watched) for watched in night.watched.values() if watched.told)
