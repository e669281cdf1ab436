"""A healthy MPD that goes on for a while: its numbers only grow, and nothing is remarked on, whatever way it is written."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.instant import Instant
from console.model.observation import Outcome
from console.probe.dash.reader import DashReader
from console.probe.fetch import Answer
from console.probe.manifest import Manifest
from tests.streams.dash import DashShow, Style

BEGIN = 1_700_000_000.0


def answer(show: DashShow, t: float, at: float | None = None) -> Answer:
    """What the show says at t; `at`: when it is received, if that is another time."""
    at = t if at is None else at
    body = show.answer("origin", "live.mpd", {}, t).body
    moment = Instant(datetime.fromtimestamp(at, UTC), at - BEGIN + 1000)
    return Answer(Outcome.OK, moment, 0.01, "http://o.test/x/live.mpd", status=200, body=body)


def newest(manifest: Manifest) -> dict[str, tuple[int, int]]:
    return {name: (track.facts.media_sequence, track.facts.newest_sequence) for name, track in manifest.tracks.items()}


styles = st.builds(
    Style,
    target_s=st.sampled_from((1.0, 2.0, 3.84, 6.006)),
    window=st.integers(3, 40),
    addressing=st.sampled_from(("time", "number", "clock")),
    period_every=st.sampled_from((0, 0, 3, 7, 50)),
    has_continuity=st.booleans(),
    sound_wobbles=st.booleans(),
    offset_s=st.sampled_from((0.0, 3.3, 1e6)),
    latency_s=st.floats(0.0, 0.9),
    delay_s=st.sampled_from((None, 8.0, 30.0)),
    ast_before_s=st.sampled_from((0.0, 100.0, 86_400.0, 1.7e9)),
)


@settings(max_examples=60, deadline=None)
@given(style=styles, steps=st.lists(st.floats(0.1, 4.0), min_size=5, max_size=25))
def test_a_healthy_sequence_never_yields_a_remark(style: Style, steps: list[float]) -> None:
    if style.has_continuity and not style.period_every:
        style = Style()
    show = DashShow("x", style, BEGIN)
    reader, t = DashReader(), BEGIN + 4 * style.target_s
    before: dict[str, tuple[int, int]] = {}
    for step in steps:
        t += step * style.target_s / 2
        manifest = reader.take(answer(show, t), False, {})
        assert manifest.remarks == (), (style, manifest.remarks)
        now = newest(manifest)
        for name, (first, last) in now.items():
            facts = manifest.tracks[name].facts
            assert last - first + 1 == facts.segment_count
            assert facts.newest_ends_at is not None and abs(facts.newest_ends_at.timestamp() - t) < 2.1 * style.target_s
            if name in before:
                assert first >= before[name][0] and last >= before[name][1]
                assert last - before[name][1] <= step / 2 + 2  # it grew by what was published, not by more
        before = now


def test_two_vantages_count_alike_without_knowing_of_each_other() -> None:
    show = DashShow("x", Style(period_every=7, sound_wobbles=True), BEGIN)
    early, late = DashReader(), DashReader()
    early.take(answer(show, BEGIN + 20), False, {})
    for s in range(21, 45):
        one = early.take(answer(show, BEGIN + s), False, {})
    other = late.take(answer(show, BEGIN + 44), False, {})
    assert newest(one) == newest(other)


def test_counting_goes_on_over_a_gap_in_which_nobody_asked() -> None:
    show = DashShow("x", Style(), BEGIN)
    reader = DashReader()
    before = newest(reader.take(answer(show, BEGIN + 20), False, {}))
    after = newest(reader.take(answer(show, BEGIN + 120), False, {}))
    assert after["288p"][1] - before["288p"][1] == 100


def test_an_older_copy_has_lower_numbers_and_is_no_event() -> None:
    show = DashShow("x", Style(), BEGIN)
    reader = DashReader()
    now = newest(reader.take(answer(show, BEGIN + 20), False, {}))
    old = reader.take(answer(show, BEGIN + 15, at=BEGIN + 20.5), False, {})
    assert old.remarks == ()
    assert now["288p"][0] - newest(old)["288p"][0] == 5
    again = reader.take(answer(show, BEGIN + 21), False, {})
    assert again.remarks == () and newest(again)["288p"][1] == now["288p"][1] + 1


def test_an_unchanged_mpd_is_not_read_again_and_still_goes_on_by_the_clock() -> None:
    show = DashShow("x", Style(addressing="clock"), BEGIN)
    reader = DashReader()
    first = reader.take(answer(show, BEGIN + 20), False, {})
    again = reader.take(answer(show, BEGIN + 20, at=BEGIN + 25), False, {})
    assert again.is_unchanged and not first.is_unchanged
    assert newest(again)["288p"][1] == newest(first)["288p"][1] + 5
    unread = Answer(Outcome.OK, answer(show, BEGIN + 30).at, 0.01, "http://o.test/x/live.mpd", status=304)
    assert newest(reader.take(unread, False, {}))["288p"][1] == newest(first)["288p"][1] + 10
