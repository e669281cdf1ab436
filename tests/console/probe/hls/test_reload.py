"""Delivery directives: which question comes next, which answer is a good one, and what is told of the others. Pure."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.observation import MediaFacts
from console.model.remark import Remark
from console.probe.hls.media import Control, Media, Report
from console.probe.hls.merged import differing, merged
from console.probe.hls.playlist import read
from console.probe.hls.reload import CODE, Ask, asked, early, following, has, held, plain, position, refused, unrefused
from console.probe.hls.siblings import Sibling, key_of, lagging, last_msn, skipping
from tests.console.probe.hls.stream import Shape, Stream

URL = "https://h.test/live/one/index.m3u8?sig=a%2Fb&session=s1"
SHAPE = Shape(window=14, parts=4, has_delta=True, start=100)


def copy_of(stream: Stream, last: int, part: int = 0) -> Media:
    found = read(stream.copy(last, part), URL)
    assert isinstance(found, Media)
    return found


@given(last=st.integers(14, 40), part=st.integers(0, 3))
def test_what_is_asked_for_next_is_in_no_copy_before_and_in_every_one_after(last: int, part: int):
    stream = Stream(SHAPE)
    ask = following(copy_of(stream, last, part).facts)
    for later, more in ((last, part), (last - 1, 3), (last, 0)):
        assert not has(copy_of(stream, later, more).facts, ask)
    steps = [(last, more) for more in range(part + 1, 5)] + [(last + 1, more) for more in range(5)]
    for later, more in steps:
        assert has(copy_of(stream, later, more).facts, ask)


def test_a_part_past_the_end_of_its_segment_is_there_when_the_segment_is():
    stream = Stream(SHAPE)
    assert not has(copy_of(stream, 20, 4).facts, Ask(121, 4))
    assert has(copy_of(stream, 21, 0).facts, Ask(121, 4))
    assert not has(copy_of(stream, 20, 4).facts, Ask(121)) and has(copy_of(stream, 21, 0).facts, Ask(121))


def test_a_playlist_that_has_ended_owes_nothing():
    facts = msgspec.structs.replace(copy_of(Stream(SHAPE), 20).facts, has_endlist=True)
    assert has(facts, Ask(999)) and early(Ask(999, 1), facts, 0.01, None, "") is None


WORDS = st.text(st.characters(codec="ascii", exclude_characters="&#?\x7f", min_codepoint=33), max_size=12)


@given(st.lists(WORDS.filter(lambda word: word and not word.startswith("_HLS_")), max_size=4), st.integers(0, 2**40), st.integers(0, 99))
def test_directives_stand_behind_the_query_and_leave_it_as_it_is(words: list[str], msn: int, part: int):
    url = "https://h.test:81/a/index.m3u8" + ("?" + "&".join(words) if words else "")
    question = asked(url, Ask(msn, part).directives)
    assert question.startswith(url) and question.endswith(f"_HLS_msn={msn}&_HLS_part={part}")
    assert plain(question) == url
    assert plain(asked(url, "_HLS_msn=1&_HLS_skip=YES")) == url == plain(url)


@given(st.text(max_size=60))
def test_no_query_of_a_redirect_is_too_odd_to_be_read_plain(text: str):
    assert "_HLS_msn" not in plain(f"http://h.test/a?{text.replace('#', '')}&_HLS_msn=5")


def test_an_early_answer_is_told_with_what_it_lacked_and_a_cached_one_with_the_cache():
    facts = copy_of(Stream(SHAPE), 20, 2).facts
    assert early(following(facts), copy_of(Stream(SHAPE), 20, 3).facts, 0.5, 0.0, "") is None
    server = early(following(facts), facts, 0.013, None, "")
    cache = early(following(facts), facts, 0.013, 3.0, "HIT; 1.1 edge")
    young = early(following(facts), facts, 0.013, 0.0, "hit from pop")
    assert server is not None and cache is not None and young is not None
    assert "segment 121 part 2" in server.says and "cached" not in server.evidence
    assert "as if _HLS_msn were not in its key" in cache.says and "3 s old" in cache.says and cache.evidence["cached"]
    assert "as if _HLS_msn were not in its key" in young.says


def test_503_is_right_after_three_target_durations_and_wrong_before():
    assert refused(Ask(7, 0), 503, "503", 12.01, 4.0) is None
    assert refused(Ask(7, 0), 503, "503", 0.02, 4.0) is not None
    assert refused(Ask(7, 0), 400, "400 Bad Request", 12.0, 4.0) is not None


@given(st.integers(0, 2**62), st.floats(0, 1e6), st.text(max_size=300))
def test_whatever_is_told_is_short_and_of_its_code(msn: int, elapsed_s: float, words: str):
    facts = copy_of(Stream(SHAPE), 20).facts
    for remark in (
        refused(Ask(msn, 1), 500, words, elapsed_s, 4.0),
        held(Ask(msn), elapsed_s, is_there=True),
        held(Ask(msn), elapsed_s, is_there=False),
        unrefused("_HLS_part=0", "_HLS_part without _HLS_msn", 200, False),
        early(Ask(2**62, 3), facts, elapsed_s, elapsed_s, words[:120]),
    ):
        assert remark is not None and remark.code == CODE and remark.value == 1.0 and len(remark.says) <= 200


# ---- deltas
@settings(max_examples=40, deadline=None)
@given(
    last=st.integers(20, 30),
    since=st.integers(0, 2),
    part=st.integers(0, 3),
    shape=st.sampled_from(
        [SHAPE, Shape(window=16, parts=4, has_delta=True, discontinuities=frozenset((9, 13, 21)), key_every=3, has_iv=True, has_map=True),
         Shape(window=20, parts=2, has_delta=True, signs="query", dates="some", ranges="implicit"),
         Shape(window=14, parts=4, has_delta=True, signs="path", dates="none")]
    ),
)  # fmt: skip
def test_a_correct_delta_is_what_the_whole_playlist_is(last: int, since: int, part: int, shape: Shape):
    stream = Stream(shape)
    base = copy_of(stream, last - since)
    delta = merged(stream.copy(last, part, last - since), URL, {}, base, is_cached=False)
    assert isinstance(delta, Media) and delta.skipped
    assert differing(delta, base, copy_of(stream, last + 1)) is None
    assert differing(delta, base, copy_of(stream, last, part)) is None


def test_a_delta_whose_number_is_wrong_is_told():
    stream = Stream(SHAPE)
    base, whole = copy_of(stream, 24), copy_of(stream, 25)
    body = stream.copy(25, 0, 24)
    count = int(body.split(b"SKIPPED-SEGMENTS=")[1].split(b"\n")[0])
    assert count > 2

    def outcome(skipped: int, end: bytes = b"") -> Media | Remark | None:
        wrong = body.replace(b"SEGMENTS=%d" % count, b"SEGMENTS=%d" % skipped) + end
        return merged(wrong, URL, {}, base, is_cached=False)

    fewer = outcome(count - 1)
    assert isinstance(fewer, Remark) or (isinstance(fewer, Media) and differing(fewer, base, whole) is not None)
    more = outcome(count + 1)
    assert isinstance(more, Media)
    wrong = differing(more, base, whole)
    assert wrong is not None and (wrong.code, wrong.value) == ("LL_SKIP", 1.0) and "delta" in wrong.says
    later = differing(more, base, copy_of(stream, 27))
    assert later is not None and "delta" in later.says
    many = outcome(5000)
    assert isinstance(many, Remark) and many.code == "LL_SKIP"
    assert outcome(count) is not None and not isinstance(outcome(count), Remark)


def test_a_change_that_everybody_was_told_is_not_the_deltas_fault():
    stream = Stream(SHAPE)
    base = copy_of(stream, 24)
    delta = merged(stream.copy(24, 2, 24), URL, {}, base, is_cached=False)
    assert isinstance(delta, Media)
    changed = read(stream.copy(25).replace(b"seg-120.m4s\n", b"seg-other.m4s\n"), URL)
    assert isinstance(changed, Media)
    assert differing(delta, base, changed) is None


def test_an_answer_that_is_no_delta_is_allowed_and_one_that_is_no_playlist_is_not():
    stream = Stream(SHAPE)
    base = copy_of(stream, 24)
    assert merged(stream.copy(25), URL, {}, base, is_cached=False) is None
    for body in (b"<html>no</html>", b"", b"#EXTM3U\n#EXT-X-TARGETDURATION:x\n", b"\x00" * 4096):
        assert isinstance(merged(body, URL, {}, base, is_cached=False), Remark)


def test_a_copy_from_a_cache_that_is_older_than_ours_proves_nothing():
    stream = Stream(SHAPE)
    old = stream.copy(22, 0, 21)
    base = copy_of(stream, 25)
    assert merged(old, URL, {}, base, is_cached=True) is None


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_delta_it_is_a_copy_a_remark_or_nothing(data: st.DataObject):
    stream = Stream(SHAPE)
    base = copy_of(stream, 24)
    body = bytearray(stream.copy(25, 1, 24))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    found = merged(bytes(body), URL, {}, base, is_cached=False)
    if isinstance(found, Media):
        differing(found, base, copy_of(stream, 26))
    assert found is None or isinstance(found, Remark | Media)


# ---- reports and control
def siblings(last_shown: int, skip_s: float | None = 24.0) -> dict[str, Sibling]:
    control = Control(part_target_s=1.0, can_skip_until_s=skip_s)
    return {key_of("https://h.test/live/two/index.m3u8?sig=other"): Sibling("720p", last_shown, control)}


@pytest.mark.parametrize(("ahead", "value"), [(-3, None), (0, None), (1, None), (2, 2.0), (7, 7.0), (5000, None)])
def test_a_report_that_lags_by_more_than_one_segment_is_told_by_how_much(ahead: int, value: float | None):
    media = copy_of(Stream(SHAPE), 20)
    reported = media.reports[0].last_msn
    remark = lagging(media, siblings(reported + ahead))
    assert (remark.value if remark is not None else None) == value
    if remark is not None:
        assert remark.code == "LL_RR" and f"says {reported}" in remark.says


def test_a_report_of_what_nobody_watches_or_that_names_no_uri_is_passed_over():
    media = copy_of(Stream(SHAPE), 20)
    odd = msgspec.structs.replace(media, reports=(Report("../else/index.m3u8", 1), Report("http://[", 1), Report("", 1)))
    assert lagging(odd, siblings(120)) is None


def test_last_msn_counts_a_segment_of_which_there_are_only_parts():
    stream = Stream(SHAPE)
    assert [last_msn(copy_of(stream, 20, part).facts) for part in (0, 1, 3)] == [120, 121, 121]


def test_another_can_skip_until_is_told_and_the_same_is_not():
    media = copy_of(Stream(SHAPE), 20)
    assert skipping(media, siblings(0, media.control.can_skip_until_s)) is None
    remark = skipping(media, siblings(0, None))
    assert remark is not None and remark.code == "LL_CTRL" and "absent" in remark.says


def test_positions_only_grow():
    stream = Stream(SHAPE)
    shown: list[MediaFacts] = [copy_of(stream, last, part).facts for last in (20, 21, 22) for part in (0, 1, 3)]
    assert [position(one) for one in shown] == sorted(position(one) for one in shown)
