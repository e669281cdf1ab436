"""Scenario 12 and every low-latency row of the check list, over real sockets: blocking reloads, parts, hints, reports, deltas; and
healthy channels beside them of which nothing may be said. T is 2 s and parts are 0.5 s but where it says otherwise.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from console.model.severity import Mark, Severity
from tests.streams import lowlatency_faults as faults
from tests.streams.lowlatency import LowLatencyShow, Style, channel_of
from tests.streams.lowlatency_faults import Fault
from tests.streams.night import BEGIN, Night, Told, Watched
from tests.streams.show import LADDER
from tests.streams.station import Reply

pytestmark = pytest.mark.timeout(400)  # a night is as long as its bytes take, however busy the machine is
START_S = 9.0
START = BEGIN + START_S
END_S = 30.0
RIG_S = 0.6  # the rig looks ten times a second and gathers for half of one
T, P, PART = 2.0, 1.0, 0.5
W, C = Severity.WARN, Severity.CRIT

ORIGIN = Style(edges=())
EDGES = ("lhr", "syd", "nrt")
HEALTHY = {
    "plain": Style(),
    "alone": ORIGIN,
    "three": Style(edges=EDGES, ladder=LADDER, container="ts"),
    "edges alone": Style(edges=EDGES, has_origin=False),
    "short parts": Style(edges=(), part_s=0.334, part_target_s=0.5),
    "long": Style(target_s=4.0, part_s=1.0, edges=("lhr",), window=8),
    "one part": Style(edges=(), part_s=2.0),
    "late segments": Style(edges=(), is_segment_late=True),
    "no deltas": Style(edges=(), has_delta=False, has_hints=False),
    "sound": Style(edges=("lhr",), has_audio=True),
    "shaky": Style(edges=("lhr", "syd"), jitter_s=0.35, way_s=0.12),
    "signed": Style(edges=("lhr",), token="sig=abc%2Fdef"),
}


class Case(dict[str, Any]):
    """style, fault, and what has to be said of it: within how many seconds, how grave, on which layer."""


def _case(fault: Fault, within_s: float, severity: Severity = W, style: Style = ORIGIN, **more: Any) -> Case:
    return Case(fault=fault, within_s=within_s, severity=severity, style=style, **more)


FOUR = Style(target_s=4.0, edges=(), window=8)  # scenario 12 is about T = 4 and part targets of 0.5
FOUR_EDGES = Style(target_s=4.0, edges=EDGES, window=8)
NOW = {"start": START}
REHEARSED_S = 6 * T + 1.0 + 4 * PART  # made every 6 T, once more to be sure, told with the next two reloads
HTML = Reply(200, {"Content-Type": "text/html"}, b"<html><script>alert(1)</script>\x1b[31m no such thing</html>")
HUGE = Reply(200, {"Content-Type": "application/vnd.apple.mpegurl"}, is_endless=True)
CASES = {
    "12 parts late": _case(faults.PartsLate(**NOW), 5.0, W, FOUR, layer="package"),
    "12 parts late everywhere": _case(faults.PartsLate(**NOW), 5.0, W, FOUR_EDGES, layer="package"),
    "12 answered early": _case(faults.Early(**NOW), 10.0, W, FOUR, layer="origin"),
    "12 an edge merges": _case(faults.Merging(**NOW, vantages=("edge-lhr",)), 10.0, W, FOUR_EDGES, layer="edge", at=("edge-lhr",)),
    "merges, T 2": _case(faults.Merging(**NOW, vantages=("edge-lhr",)), 10.0, W, Style(edges=EDGES), layer="edge", at=("edge-lhr",)),
    "parts stop": _case(faults.PartsStopped(**NOW), T + 4 * PART + 2.0, C, FOUR),
    "all stops": _case(faults.Frozen(**NOW), 4 * PART + 2.0, W, FOUR),
    "held for ever": _case(faults.HeldForever(**NOW), 2 * (PART + P + 2.0 + P)),
    "refused 400": _case(faults.Instead(**NOW), 3 * P + 2 * PART),
    "refused 404": _case(faults.Instead(**NOW, reply=Reply(404, body=b"no\n")), 3 * P + 2 * PART),
    "part without msn": _case(faults.Unrefused(**NOW, how="part"), REHEARSED_S),
    "far ahead": _case(faults.Unrefused(**NOW, how="far"), REHEARSED_S),
    "far ahead, held": _case(faults.Unrefused(**NOW, how="far", is_held=True), REHEARSED_S + 4.0),
    "wrong hint": _case(faults.WrongHint(**NOW), 4 * PART + 1.0),
    "hint listed": _case(faults.WrongHint(**NOW, is_listed=True), 4 * PART + 1.0),
    "reports lag": _case(faults.ReportsLag(**NOW), 3 * P),
    "delta shifted": _case(faults.WrongDelta(**NOW), REHEARSED_S),
    "delta of too many": _case(faults.WrongDelta(**NOW, how="many"), REHEARSED_S),
    "delta too short": _case(faults.WrongDelta(**NOW, how="short"), REHEARSED_S),
    "hold back 2.5": _case(faults.HoldBack(**NOW), 3 * P),
    "hold back 1.5": _case(faults.HoldBack(**NOW, parts=1.5), 3 * P, C),
    "control differs": _case(faults.OtherControl(start=BEGIN), 5.0, W, Style(edges=(), ladder=LADDER)),
    "skip differs": _case(faults.OtherControl(start=BEGIN, what="skip"), 5.0, W, Style(edges=(), ladder=LADDER)),
    "restarted": _case(faults.Restarted(**NOW), 3 * P, C),
    "left": _case(faults.Left(**NOW), 3 * P),
    "overloaded": _case(faults.Away(**NOW), 4 * P, C),
    "hangs up": _case(faults.Away(**NOW, reply=Reply(is_dropped=True)), 4 * P, C),
    "html": _case(faults.Instead(**NOW, reply=HTML), 3 * P + 2 * PART),
    "huge": _case(faults.Instead(**NOW, reply=HUGE), 10.0),
}  # fmt: skip


ALL_OF_12 = (faults.PartsLate(**NOW), faults.Early(**NOW), faults.Merging(**NOW, vantages=("edge-lhr",)))
HEALED = faults.Early(start=START, length_s=4.0)


def _word(name: str) -> str:
    return name.replace(" ", "-").replace(",", "")


def _add(night: Night, name: str, style: Style, *broken: Fault) -> None:
    show = LowLatencyShow(name, style, BEGIN - 1000 * style.target_s, broken)
    night.add_show(channel_of(name, style), show)


@pytest.fixture(scope="module")
def night() -> Night:
    night = Night(policy="none")
    for name, style in HEALTHY.items():
        _add(night, _word(f"healthy-{name}"), style)
    for name, case in CASES.items():
        _add(night, _word(name), case["style"], case["fault"])
    _add(night, "12", FOUR_EDGES, *ALL_OF_12)
    _add(night, "no-503", ORIGIN, faults.NoPatience(start=START - 1.5))
    _add(night, "healed", Style(), HEALED)
    night.run(END_S)
    assert not night.errors
    return night


def _lines(watched: Watched) -> str:
    return "\n".join(
        f"{told.first - BEGIN:.1f}..{told.last - BEGIN:.1f} {told.severity} {told.code} {told.layer} {told.reason}"
        for told in watched.told
    )


@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_said_of_a_healthy_show(night: Night, name: str) -> None:
    watched = night.watched[_word(f"healthy-{name}")]
    assert not watched.told, _lines(watched)
    assert watched.last is not None and (watched.last.severity, watched.last.mark) == (Severity.OK, Mark.NONE)
    assert watched.last.is_settled


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_within_its_deadline(night: Night, name: str) -> None:
    case = CASES[name]
    fault: Fault = case["fault"]
    watched = night.watched[_word(name)]
    right = [told for told in watched.told if told.code == fault.code and _is_right(told, case)]
    first = min((told.first for told in right), default=None)
    assert first is not None, f"{fault.code} was never said:\n{_lines(watched)}"
    assert first - max(fault.start, BEGIN) <= case["within_s"] + RIG_S, f"after {first - START:.1f} s, {_lines(watched)}"


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
    assert all(told.first >= fault.start for told in watched.told), _lines(watched)


def test_12_all_of_it_at_once_is_told_in_time(night: Night) -> None:
    watched = night.watched["12"]
    for code, within_s in (("LL_PART_LATE", 5.0), ("LL_BLOCK", 10.0)):
        first = min((told.first for told in watched.told if told.code == code), default=1e18)
        assert first - START <= within_s + RIG_S, _lines(watched)
    assert {told.code for told in watched.told} == {"LL_PART_LATE", "LL_BLOCK"}, _lines(watched)
    assert {told.severity for told in watched.told if told.layer != "edge"} == {W}, _lines(watched)


def test_a_503_that_never_comes_is_told_beside_the_channel_that_stands_still(night: Night) -> None:
    watched, right = night.watched["no-503"], night.watched["all-stops"]
    assert watched.last is not None
    assert {finding.code for finding in watched.last.findings} == {"STALE", "LL_BLOCK"}, _lines(watched)
    assert all("without the 503" in told.reason for told in watched.told if told.code == "LL_BLOCK"), _lines(watched)
    assert "LL_BLOCK" not in {told.code for told in right.told}, _lines(right)


def test_what_healed_is_told_no_more(night: Night) -> None:
    watched = night.watched["healed"]
    assert {told.code for told in watched.told} == {"LL_BLOCK"}, _lines(watched)
    last = max(told.last for told in watched.told)
    assert last - HEALED.start <= HEALED.length_s + 8 * PART + 2 * PART + RIG_S, _lines(watched)
    assert watched.last is not None and watched.last.severity is Severity.OK


def test_what_came_instead_is_shown_in_printable_words(night: Night) -> None:
    text = " ".join(told.reason for told in night.watched["html"].told)
    assert "<script>" in text and not [c for c in text if not " " <= c <= "~"], text


def _asked(night: Night, name: str, vantage: str, rendition: str = "1080p") -> list[tuple[float, str]]:
    show = night.watched[name].show
    assert isinstance(show, LowLatencyShow)
    return [(t, path) for t, where, path in show.asked if where == vantage and path.startswith(f"{rendition}/")]


@pytest.mark.parametrize("name", ["healthy-plain", "12-answered-early", "healthy-short-parts", "huge", "html", "refused-400"])
def test_no_more_is_asked_than_a_player_asks(night: Night, name: str) -> None:
    """Reloads: one a part target, however they are answered; rehearsals: one every 2 T, and once more when one went wrong."""
    asked = _asked(night, name, "origin")
    reloads = [t for t, path in asked if "_HLS_msn" in path and "_HLS_part" in path]
    rest = [path for _, path in asked if "_HLS_" in path and not ("_HLS_msn" in path and "_HLS_part" in path)]
    assert len(reloads) <= END_S / PART + 2
    assert all(later - t >= PART for t, later in zip(reloads, reloads[3:], strict=False))
    assert len(rest) <= END_S / (2 * T) + 3
    polls = [path for _, path in asked if "_HLS_" not in path]
    assert len(polls) >= 0.8 * END_S / (P if name != "12-answered-early" else 2.0), "the ordinary polls go on"


def test_only_the_best_rendition_is_followed_and_all_are_polled(night: Night) -> None:
    for vantage in ("origin", "edge-lhr"):
        assert not [path for _, path in _asked(night, "healthy-plain", vantage, "720p") if "_HLS_" in path]
        assert len(_asked(night, "healthy-plain", vantage, "720p")) >= 0.8 * END_S / P


def test_directives_stand_behind_the_signature_and_every_kind_of_question_is_asked(night: Night) -> None:
    paths = [path for _, path in _asked(night, "healthy-signed", "edge-lhr")]
    assert all(path.partition("?")[2].startswith("sig=abc%2Fdef") for path in paths)
    queries = {path.partition("?")[2].partition("&")[2] for path in paths}
    assert "" in queries and "_HLS_part=0" in queries
    assert any(query.endswith("&_HLS_skip=YES") for query in queries)
    assert sum("_HLS_msn" in query and "_HLS_part" in query for query in queries) > 40


def test_a_channel_that_is_watched_no_longer_is_asked_nothing_more_and_what_reloads_take_is_bounded() -> None:
    night = Night(policy="none")
    for name in ("kept", "dropped", "hanging"):
        broken = (faults.HeldForever(start=BEGIN),) if name == "hanging" else ()
        _add(night, name, ORIGIN, *broken)
    _add(night, "hasty", Style(edges=(), part_target_s=0.001))

    def drop(_: Night) -> None:
        orders = night.prober._orders
        channels = tuple(one for one in orders.channels if one.name in ("kept", "hasty"))
        night.prober.follow(msgspec.structs.replace(orders, channels=channels))

    night.at(6.0, drop)
    night.at(11.0, lambda night: held.append(night.prober._asker._held))
    held: list[Any] = []
    night.run(12.0)
    assert not night.errors
    for name in ("dropped", "hanging"):
        assert 4.0 < max(t for t, _ in _asked(night, name, "origin")) - BEGIN < 6.5
    assert max(t for t, _ in _asked(night, "kept", "origin")) - BEGIN > 11.0
    assert held[0].in_flight <= 2 and not held[0]._ways
    asked = [path for _, path in _asked(night, "hasty", "origin") if "_HLS_msn" in path]
    assert len(asked) <= 12.0 / 0.2 + 4, "however short a part target is"


def test_nobody_waits_for_somebody_elses_reload(night: Night) -> None:
    """Beside questions that hang and bodies that never end, the healthy ones were followed part by part."""
    reloads = [path for _, path in _asked(night, "healthy-plain", "origin") if "_HLS_msn" in path and "_HLS_part" in path]
    assert len(reloads) >= 0.85 * (END_S - 2.0) / PART
    assert max(beat.poll_lag_s for beat in night.heartbeats) < 0.25
