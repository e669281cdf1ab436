"""On air by plan or not: scenario 11 of the stream specification, and what a plan excuses."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import msgspec

from console.model.channel import Channel, Window
from console.model.finding import ChannelVerdict
from console.model.observation import MediaFacts, Outcome
from console.model.severity import Layer, Mark, Severity
from tests.console.judge.night import EPOCH, LADDER, Night, Reply, World, channel

START = 61.9


def window(start: float, end: float) -> Window:
    return Window(EPOCH + timedelta(seconds=start), EPOCH + timedelta(seconds=end))


def planned(*windows: Window, maintenance: tuple[Window, ...] = ()) -> Channel:
    return msgspec.structs.replace(channel(), kind="event", schedule=windows, maintenance=maintenance)


def at(night: Night, t: float) -> ChannelVerdict:
    return [told.verdict for told in night.told if told.t <= t][-1]


class Ended(World):
    def media(self, rendition: str, t: float) -> MediaFacts:
        return msgspec.structs.replace(super().media(rendition, min(t, START)), has_endlist=t >= START)


class Gone(World):
    """Not there before START."""

    def at_origin(self, rendition: str | None, t: float) -> Reply:
        return Reply(Outcome.HTTP, 404, detail="404") if t < START else super().at_origin(rendition, t)


def test_11_an_endlist_in_the_middle_of_an_event_crit_within_6_s():
    for watched in (planned(window(-600, 1800)), msgspec.structs.replace(channel(), kind="event")):
        night = Night(Ended(), watched).run(START + 20)
        told = [(t - START, f) for t, f in night.findings()]
        assert {(f.code, f.layer, f.severity) for _, f in told} == {
            ("UNEXPECTED_END", Layer.SCHEDULE, Severity.CRIT)
        }
        assert {f.rendition for t, f in told if t <= 6} == set(LADDER)


def test_11_an_endlist_at_the_planned_end_is_an_end_and_no_alert():
    night = Night(Ended(), planned(window(-600, START + 30))).run(START + 80)
    assert night.findings() == []
    assert at(night, START + 20).mark is Mark.ENDED
    assert at(night, START + 20).severity is Severity.OK
    assert night.verdict.mark is Mark.OFFLINE


def test_outside_its_windows_a_channel_is_offline_and_well_whatever_it_answers():
    night = Night(Gone(), planned(window(START, 3600))).run(START + 40)
    before = at(night, START - 1)
    assert (before.severity, before.mark, before.findings, before.is_settled) == (
        Severity.OK,
        Mark.OFFLINE,
        (),
        True,
    )
    assert night.findings() == [], "what failed before it was on air is not held against it"
    assert night.verdict.severity is Severity.OK
    assert night.verdict.mark is Mark.NONE


def test_a_channel_that_is_not_there_when_its_window_opens_is_told():
    class Late(Gone):
        def at_origin(self, rendition: str | None, t: float) -> Reply:
            return Reply(Outcome.HTTP, 404, detail="404")

    night = Night(Late(), planned(window(START, 3600))).run(START + 20)
    assert min(t for t, _ in night.findings()) > START
    assert night.verdict.severity is Severity.CRIT


def test_maintenance_excuses_everything_and_ends():
    night = Night(Gone(), planned(maintenance=(window(-10, START - 20),))).run(START - 5)
    assert at(night, START - 30).mark is Mark.MAINT
    assert at(night, START - 30).severity is Severity.OK
    assert min(t for t, _ in night.findings()) > START - 20


def test_the_step_names_the_moment_at_which_the_plan_changes():
    night = Night(World(), planned(window(START, START + 10)))
    night.run(START + 30)
    marks = [(round(told.t, 1), told.verdict.mark) for told in night.told]
    changes = [b for a, b in pairwise(marks) if a[1] is not b[1]]
    assert changes[0] == (round(START, 1), Mark.NONE)
    assert changes[-1] == (round(START + 10, 1), Mark.OFFLINE)


def test_a_flapping_channel_holds_its_worst_and_says_so():
    class Flapping(World):
        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, t // 60 * 60 if 60 <= t % 60 + 60 < 80 and t > 60 else t)

    night = Night(Flapping(), channel(edges=())).run(900)
    flapping = [told for told in night.told if told.verdict.mark is Mark.FLAPPING]
    assert flapping
    assert {told.verdict.severity for told in flapping} == {Severity.CRIT}
    quiet = [told.verdict for told in flapping if not told.verdict.findings]
    assert quiet and all(v.reason.startswith("flapping, ") for v in quiet)
