"""What lies between two copies is told once, with its number and its evidence, and nothing else is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from console.model.remark import EVIDENCE_LINE, EVIDENCE_LINES, Remark
from console.probe.hls.reader import Reader

NOW = datetime(2024, 3, 1, 3, 0, tzinfo=UTC)
URL = "http://user:geheim@h.test/live/index.m3u8?token=geheim"


def playlist(first: int, *segments: str, head: tuple[str, ...] = (), target: int = 4, tail: tuple[str, ...] = ()) -> bytes:
    """A segment is "tags|name"; its EXTINF is 4 unless a tag says otherwise."""
    lines = ["#EXTM3U", f"#EXT-X-TARGETDURATION:{target}", f"#EXT-X-MEDIA-SEQUENCE:{first}", *head]
    for segment in segments:
        *tags, name = segment.split("|")
        lines += tags
        if not any(tag.startswith("#EXTINF") for tag in tags):
            lines.append("#EXTINF:4.000,")
        lines.append(name)
    return "\n".join([*lines, *tail, ""]).encode()


def numbered(first: int, last: int, form: str = "{}.ts") -> tuple[str, ...]:
    return tuple(form.format(number) for number in range(first, last + 1))


def events(*bodies: bytes, after_s: float = 4.0) -> list[Remark]:
    """The events of the last copy."""
    reader, now = Reader(), NOW
    taken = None
    for body in bodies:
        taken = reader.take(body, URL, now)
        now += timedelta(seconds=after_s)
    assert taken is not None
    return [remark for remark in taken.remarks if remark.is_event]


def only(*bodies: bytes, after_s: float = 4.0) -> Remark:
    found = events(*bodies, after_s=after_s)
    assert [remark.code for remark in found] == [found[0].code if found else None], found
    text = repr(found)
    assert "geheim" not in text and "token" not in text and "user" not in text
    return found[0]


def test_another_uri_of_a_published_segment_is_a_mutation() -> None:
    remark = only(playlist(5, *numbered(5, 10)), playlist(6, "6.ts", "7.ts", "sub/8.ts?token=geheim", "9.ts", "10.ts", "11.ts"))
    assert (remark.code, remark.value) == ("MUTATED", 1)
    assert remark.says == "segment 8 has another URI than before"
    assert remark.evidence["diff"] == ["@@ 8", "-8.ts", "+sub/8.ts"]


def test_other_durations_dates_and_tags_are_named_and_counted() -> None:
    date = "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T02:00:0{}Z"
    before = playlist(5, *numbered(5, 7), f"{date.format(0)}|8.ts", "9.ts", "10.ts")
    now = playlist(6, "6.ts", "#EXTINF:3.5|7.ts", f"{date.format(2)}|8.ts", "#EXT-X-GAP|9.ts", "#EXT-X-DISCONTINUITY|10.ts", "11.ts")
    remark = only(before, now)
    assert (remark.code, remark.value) == ("MUTATED", 4)
    assert "EXT-X-DISCONTINUITY, EXT-X-GAP, EXTINF, PROGRAM-DATE-TIME" in remark.says
    assert "+#EXT-X-PROGRAM-DATE-TIME:2024-03-01T02:00:02.000Z" in remark.evidence["diff"]  # type: ignore[operator]


@pytest.mark.parametrize(
    ("was", "is_", "what"),
    [
        ("#EXT-X-BYTERANGE:10@0", "#EXT-X-BYTERANGE:11@0", "EXT-X-BYTERANGE"),
        ('#EXT-X-MAP:URI="a.mp4"', '#EXT-X-MAP:URI="b.mp4"', "EXT-X-MAP"),
        ('#EXT-X-KEY:METHOD=AES-128,URI="k1"', '#EXT-X-KEY:METHOD=AES-128,URI="k2"', "EXT-X-KEY"),
        ('#EXT-X-KEY:METHOD=AES-128,URI="k1",IV=0x1', '#EXT-X-KEY:METHOD=AES-128,URI="k1",IV=0x2', "EXT-X-KEY"),
    ],
)
def test_another_range_map_or_key_of_a_published_segment_is_a_mutation(was: str, is_: str, what: str) -> None:
    remark = only(playlist(5, "5.ts", f"{was}|6.ts", "7.ts"), playlist(5, "5.ts", f"{is_}|6.ts", "7.ts"))
    assert (remark.code, remark.says.split("another ")[1]) == ("MUTATED", f"{what} than before")


def test_a_packager_that_renumbers_what_it_has_published_is_told_by_how_much() -> None:
    remark = only(playlist(5, *numbered(5, 10)), playlist(8, *numbered(6, 11)))
    assert (remark.code, remark.value) == ("MUTATED", 3)
    assert remark.says.endswith("renumbered by +2")


@pytest.mark.parametrize(
    "now",
    [
        playlist(6, *numbered(6, 11, "{}.ts?sig=2")),
        playlist(6, *numbered(6, 11, "/tok-2/live/{}.ts")),
        playlist(6, *(f"#EXTINF:4|{n}.ts" for n in range(6, 12))),
        playlist(6, *(f"#EXTINF:4.0000,a title|{n}.ts" for n in range(6, 12)), tail=("#EXT-X-ENDLIST",)),
        playlist(6, *numbered(6, 11), head=("#EXT-X-VERSION:7",)),
        playlist(90, *numbered(6, 11)).replace(b":90", b":2"),
        playlist(0, *numbered(100, 102)),
        playlist(5, *numbered(5, 8)),
    ],
    ids=["new signatures", "new path token", "other digits", "title and end", "version", "went back", "restarted", "older copy"],
)
def test_what_is_no_change_makes_no_event(now: bytes) -> None:
    assert events(playlist(5, *numbered(5, 10, "{}.ts?sig=1")), now) == []


def test_a_date_that_moves_with_the_window_is_no_change_and_a_wrong_one_is_a_jump() -> None:
    date = "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T02:00:{:06.3f}Z"
    before = playlist(5, f"{date.format(0)}|5.ts", *numbered(6, 10))
    assert events(before, playlist(7, f"{date.format(8.4)}|7.ts", *numbered(8, 12))) == []
    remark = only(before, playlist(7, f"{date.format(11)}|7.ts", *numbered(8, 12)))
    assert (remark.code, remark.value) == ("PDT_JUMP", 3.0)


def test_numbers_that_jump_past_the_window_are_told_unless_time_or_dates_explain_it() -> None:
    before = playlist(5, *numbered(5, 10))
    remark = only(before, playlist(110, *numbered(110, 115)))
    assert (remark.code, remark.value) == ("SEQ_JUMP", 99)
    assert events(before, playlist(110, *numbered(110, 115)), after_s=420.0) == []
    date = "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T02:{:02}:{:02}Z"
    dated = [
        playlist(n, f"{date.format(n * 4 // 60, n * 4 % 60)}|{n}.ts", *numbered(n + 1, n + 5)) for n in (5, 110)
    ]
    assert events(*dated) == []  # a very old copy came first, out of a cache


DISCONTINUITY = "#EXT-X-DISCONTINUITY"


def dseq(number: int) -> tuple[str, ...]:
    return (f"#EXT-X-DISCONTINUITY-SEQUENCE:{number}",)


@pytest.mark.parametrize(
    ("now", "wrong"),
    [
        (playlist(7, *numbered(7, 12), head=dseq(4)), 0),
        (playlist(7, *numbered(7, 12), head=dseq(3)), 1),
        (playlist(7, *numbered(7, 12), head=dseq(6)), 2),
        (playlist(7, *numbered(7, 12), head=dseq(1)), 3),
        (playlist(6, f"{DISCONTINUITY}|6.ts", *numbered(7, 11), head=dseq(3)), 0),
        (playlist(6, *numbered(6, 11), head=dseq(4)), 0),
        (playlist(6, *numbered(6, 11), head=dseq(3)), 1),
        (playlist(11, *numbered(11, 16), head=dseq(4)), 0),
        (playlist(11, *numbered(11, 16), head=dseq(9)), 0),
        (playlist(11, *numbered(11, 16), head=dseq(2)), 2),
    ],
    ids=["kept", "not incremented", "too much", "decreased", "still there", "tag dropped", "tag dropped and not counted", "no overlap",
         "more happened unseen", "decreased unseen"],
)  # fmt: skip
def test_the_discontinuity_sequence_counts_what_left(now: bytes, wrong: int) -> None:
    before = playlist(5, "5.ts", f"{DISCONTINUITY}|6.ts", *numbered(7, 10), head=dseq(3))
    found = events(before, now, after_s=24.0)
    assert [(remark.code, remark.value) for remark in found] == ([("DSEQ", wrong)] if wrong else [])


def test_another_target_duration_is_told() -> None:
    remark = only(playlist(5, *numbered(5, 10)), playlist(6, *numbered(6, 11), target=6))
    assert (remark.code, remark.value) == ("TD_CHANGED", 6.0)


def test_a_key_that_is_gone_while_its_segments_are_listed_is_told_and_no_mutation() -> None:
    key = '#EXT-X-KEY:METHOD=AES-128,URI="https://user:geheim@k.test/1?token=geheim"'
    remark = only(playlist(5, f"{key}|5.ts", *numbered(6, 10)), playlist(6, *numbered(6, 11)))
    assert (remark.code, remark.value) == ("KEY", 1.0)
    assert '-#EXT-X-KEY:METHOD=AES-128,URI="https://k.test/1",KEYFORMAT="identity"' in remark.evidence["diff"]  # type: ignore[operator]
    assert events(playlist(5, f"{key}|5.ts", *numbered(6, 10)), playlist(11, *numbered(11, 16)), after_s=24.0) == []


def test_one_of_several_drm_keys_that_is_gone_is_told() -> None:
    keys = ('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://a",KEYFORMAT="com.apple"', '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="data:,x",KEYFORMAT="urn:w"')
    assert only(playlist(5, "|".join((*keys, "5.ts")), "6.ts"), playlist(5, f"{keys[0]}|5.ts", "6.ts")).code == "KEY"


def ll(first: int, *segments: str, parts: int = 1, hint: str = "", control: str = "PART-HOLD-BACK=1.5", skip: str = "") -> bytes:
    newest = first + len(segments) + (int(skip) if skip else 0)
    head = (f"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,{control}", "#EXT-X-PART-INF:PART-TARGET=0.5")
    tail = [f'#EXT-X-PART:DURATION=0.5,URI="{newest}.{part}.m4s?t=geheim"' for part in range(parts)]
    if hint:
        tail.append(f'#EXT-X-PRELOAD-HINT:TYPE=PART,URI="{hint}"')
    head += ((f"#EXT-X-SKIP:SKIPPED-SEGMENTS={skip}",) if skip else ())
    return playlist(first, *segments, head=head, tail=tuple(tail))


def test_a_hint_that_was_not_the_next_part_is_told() -> None:
    before = ll(5, *numbered(5, 10), parts=2, hint="11.9.m4s")
    remark = only(before, ll(5, *numbered(5, 10), parts=3))
    assert (remark.code, remark.value) == ("LL_HINT", 1.0)
    assert events(ll(5, *numbered(5, 10), parts=2, hint="11.2.m4s"), ll(5, *numbered(5, 10), parts=3)) == []


def test_another_server_control_is_told() -> None:
    remark = only(ll(5, *numbered(5, 10)), ll(6, *numbered(6, 11), control="PART-HOLD-BACK=2"))
    assert remark.code == "LL_CTRL"
    assert remark.evidence["diff"] == ["-PART-HOLD-BACK=1.5", "+PART-HOLD-BACK=2.0"]


def test_a_delta_is_put_together_with_the_copy_before() -> None:
    reader = Reader()
    reader.take(ll(5, *numbered(5, 10)), URL, NOW)
    facts = reader.take(ll(6, *numbered(10, 11), skip="4"), URL, NOW).facts
    whole = Reader().take(ll(6, *numbered(6, 11)), URL, NOW).facts
    assert facts is not None and whole is not None
    assert (facts.media_sequence, facts.newest_sequence, facts.window_s, facts.segment_count) == (6, 11, 24.0, 6)
    assert facts.newest_uri == whole.newest_uri


def test_a_delta_that_fits_nothing_is_told_and_does_not_become_what_the_next_is_compared_with() -> None:
    reader = Reader()
    reader.take(ll(5, *numbered(5, 10)), URL, NOW)
    taken = reader.take(ll(9, *numbered(20, 21), skip="11"), URL, NOW + timedelta(seconds=30))
    assert [remark.code for remark in taken.remarks] == ["LL_SKIP"]
    assert taken.facts is not None and (taken.facts.media_sequence, taken.facts.newest_sequence) == (9, 21)
    assert reader.take(ll(6, *numbered(6, 11)), URL, NOW + timedelta(seconds=34)).remarks == ()


def test_evidence_is_bounded_whatever_differs() -> None:
    before = playlist(5, *numbered(5, 400, "{}-" + "x" * 900 + ".ts"))
    remark = only(before, playlist(5, *numbered(5, 400, "{}-" + "y\x1b" * 900 + ".ts")))
    diff = remark.evidence["diff"]
    assert isinstance(diff, list) and len(diff) <= EVIDENCE_LINES
    assert all(len(line) <= EVIDENCE_LINE and line.isprintable() for line in diff)
    assert len(remark.says) <= 120 and remark.value == 396
