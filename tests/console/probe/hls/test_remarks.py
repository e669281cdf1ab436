"""What one copy says about itself, for as long as it is true."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.model.remark import Remark
from console.probe.hls.reader import Reader
from tests.console.probe.hls.test_differences import NOW, URL, ll, numbered, playlist

DATE = "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T02:00:{:06.3f}Z"


def standing(*bodies: bytes) -> list[Remark]:
    reader = Reader()
    taken = [reader.take(body, URL, NOW + timedelta(seconds=4 * turn)) for turn, body in enumerate(bodies)][-1]
    assert all(remark in reader.again(NOW + timedelta(seconds=4 * len(bodies))).remarks for remark in taken.remarks if not remark.is_event)
    return [remark for remark in taken.remarks if not remark.is_event]


def told(*bodies: bytes) -> list[tuple[str, float]]:
    return [(remark.code, remark.value) for remark in standing(*bodies)]


def test_gaps_are_told_by_their_share_of_the_window() -> None:
    assert told(playlist(1, "1.ts", "#EXT-X-GAP|2.ts", "#EXTINF:2|#EXT-X-GAP|3.ts", "#EXTINF:2|4.ts")) == [("GAP", 0.5)]
    assert told(playlist(1, "1.ts", "#EXT-X-GAP|2.ts"), playlist(3, "3.ts", "4.ts", "5.ts")) == []


def test_a_short_window_is_told_only_once_it_has_slid_and_never_of_what_has_ended() -> None:
    assert told(playlist(0, "0.ts")) == [] == told(playlist(812, "812.ts"), playlist(812, "812.ts", "813.ts"))
    assert told(playlist(0, *numbered(0, 2)), playlist(1, *numbered(1, 3))) == []
    assert told(playlist(0, *numbered(0, 2)), playlist(2, *numbered(2, 3))) == [("WINDOW_SHORT", 2.0)]
    assert told(playlist(0, *numbered(0, 2)), playlist(2, *numbered(2, 3), tail=("#EXT-X-ENDLIST",))) == []


def test_a_type_on_a_sliding_window_is_told() -> None:
    def typed(kind: str, first: int, last: int) -> bytes:
        return playlist(first, *numbered(first, last), head=(f"#EXT-X-PLAYLIST-TYPE:{kind}",))

    assert told(typed("EVENT", 0, 3), typed("EVENT", 0, 4)) == []
    assert told(typed("EVENT", 0, 3), typed("EVENT", 1, 4)) == [("TYPE", 1.0)]
    assert told(typed("VOD", 0, 3), typed("VOD", 0, 3) + b"\n") == []
    assert told(typed("VOD", 0, 3), typed("VOD", 0, 4)) == [("TYPE", 1.0)]
    assert told(typed("EVENT", 0, 3), typed("EVENT", 1, 4), playlist(2, *numbered(2, 5))) == []


def test_a_date_ahead_of_the_clock_is_told_by_seconds() -> None:
    ahead = "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T03:00:{:02}Z"
    reader = Reader()
    taken = reader.take(playlist(0, f"{ahead.format(20)}|0.ts", "1.ts"), URL, NOW)
    assert [(remark.code, remark.value) for remark in taken.remarks] == [("FUTURE", 24.0)]
    assert Reader().take(playlist(0, f"{ahead.format(2)}|0.ts"), URL, NOW).remarks == ()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('METHOD=AES-512,URI="k"', "METHOD"),
        ('URI="k"', "no METHOD"),
        ("METHOD=AES-128", "no URI"),
        ('METHOD=AES-128,URI="k",IV=12345', "IV"),
        ('METHOD=AES-128,URI="k",IV=0x' + "1" * 33, "IV"),
    ],
)
def test_a_wrong_key_tag_is_told(key: str, words: str) -> None:
    found = standing(playlist(1, f"#EXT-X-KEY:{key}|1.ts"))
    assert [(remark.code, remark.value) for remark in found] == [("KEY", 1.0)] and words in found[0].says


@pytest.mark.parametrize("key", ["METHOD=NONE", 'METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.apple.streamingkeydelivery"', 'METHOD=AES-128,URI="k",IV=0XAB'])
def test_a_right_key_tag_is_not(key: str) -> None:
    assert standing(playlist(1, f"#EXT-X-KEY:{key}|1.ts")) == []


def test_dates_that_the_durations_do_not_explain_are_told_and_rounding_is_allowed_for() -> None:
    assert told(playlist(1, f"{DATE.format(0)}|1.ts", f"{DATE.format(4.4)}|2.ts", f"{DATE.format(8.1)}|3.ts")) == []
    assert told(playlist(1, f"{DATE.format(0)}|1.ts", f"{DATE.format(7)}|2.ts")) == [("PDT_JUMP", 3.0)]
    assert told(playlist(1, f"{DATE.format(9)}|1.ts", f"{DATE.format(7)}|2.ts", "3.ts")) == [("PDT_JUMP", 6.0)]
    assert told(playlist(1, f"{DATE.format(0)}|1.ts", f"#EXT-X-DISCONTINUITY|{DATE.format(30)}|2.ts")) == []
    whole_seconds = ["#EXTINF:4|{}.ts".format] * 9
    rounded = [form(place) for place, form in enumerate(whole_seconds)]
    assert told(playlist(0, f"{DATE.format(0)}|{rounded[0]}", *rounded[1:], f"{DATE.format(39.9)}|9.ts")) == []
    assert told(playlist(0, f"{DATE.format(0)}|{rounded[0]}", *rounded[1:], f"{DATE.format(42)}|9.ts")) == [("PDT_JUMP", 6.0)]
    exact = [f"#EXTINF:4.000|{place}.ts" for place in range(9)]  # written to the millisecond
    last = f"{DATE.format(38)}|#EXTINF:4.000|9.ts"
    assert told(playlist(0, f"{DATE.format(0)}|{exact[0]}", *exact[1:], last)) == [("PDT_JUMP", 2.0)]


def test_a_jump_of_sparse_dates_is_told_of_a_copy_that_was_read_on_top_of_the_one_before() -> None:
    exact = [f"#EXTINF:4.000|{place}.ts" for place in range(12)]
    exact[0] = f"{DATE.format(0)}|{exact[0]}"
    reader = Reader()
    for count in (8, 9, 10):
        assert reader.take(playlist(0, *exact[:count]), URL, NOW).remarks == ()
    exact[10] = f"{DATE.format(42)}|{exact[10]}"
    assert [remark.code for remark in reader.take(playlist(0, *exact[:11]), URL, NOW).remarks] == ["PDT_JUMP"]


def test_a_jump_is_told_until_it_has_left_the_window() -> None:
    segments = [f"{DATE.format(4 * n + (9 if n > 4 else 0))}|{n}.ts" for n in range(12)]
    reader = Reader()
    told_of = [
        bool(reader.take(playlist(first, *segments[first : first + 5]), URL, NOW).remarks) for first in range(8)
    ]
    assert told_of == [False, True, True, True, True, False, False, False]


def test_hold_backs_are_told_by_the_shorter_one() -> None:
    assert told(ll(5, *numbered(5, 10))) == []
    assert told(ll(5, *numbered(5, 10), control="PART-HOLD-BACK=0.9")) == [("LL_HOLD_BACK", 1.8)]
    assert told(ll(5, *numbered(5, 10), control="PART-HOLD-BACK=1.25,HOLD-BACK=12")) == [("LL_HOLD_BACK", 2.5)]
    assert told(ll(5, *numbered(5, 10), control="PART-HOLD-BACK=1.5,HOLD-BACK=4")) == [("LL_HOLD_BACK", 1.0)]
    assert told(playlist(5, *numbered(5, 10), head=("#EXT-X-SERVER-CONTROL:HOLD-BACK=12",))) == []


def test_a_hint_at_a_part_that_is_listed_is_told() -> None:
    assert told(ll(5, *numbered(5, 10), parts=2, hint="11.1.m4s?t=geheim")) == [("LL_HINT", 1.0)]
    assert told(ll(5, *numbered(5, 10), parts=2, hint="11.2.m4s")) == []
