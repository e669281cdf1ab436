"""An event is told by the answer that showed it and by the re-fetch that confirms it, and by no later one."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.probe.hls.limits import PlaylistError
from console.probe.hls.reader import Reader, Taken
from tests.console.probe.hls.test_differences import NOW, URL, numbered, playlist

GOOD = playlist(5, *numbered(5, 10))
NEXT = playlist(6, *numbered(6, 11))
CHANGED = playlist(6, "6.ts", "other.ts", *numbered(8, 11))
AFTER = playlist(7, "other.ts", *numbered(8, 12))


def codes(taken: Taken) -> list[str]:
    return [remark.code for remark in taken.remarks]


def test_an_event_is_told_twice_with_its_confirmation_and_then_no_more() -> None:
    reader = Reader()
    assert not reader.take(GOOD, URL, NOW).wants_retry
    first = reader.take(CHANGED, URL, NOW)
    assert codes(first) == ["MUTATED"] and first.wants_retry and first.remarks[0].is_event
    again = reader.take(CHANGED, URL, NOW, is_retry=True)
    assert codes(again) == ["MUTATED"] and again.is_unchanged and not again.wants_retry
    assert codes(reader.take(CHANGED, URL, NOW)) == []
    assert codes(reader.take(AFTER, URL, NOW)) == []


def test_a_confirmation_that_has_gone_on_is_compared_with_the_same_older_copy() -> None:
    reader = Reader()
    reader.take(GOOD, URL, NOW)
    reader.take(CHANGED, URL, NOW)
    assert codes(reader.take(AFTER, URL, NOW, is_retry=True)) == ["MUTATED"]
    assert codes(reader.take(playlist(8, *numbered(8, 13)), URL, NOW)) == []


def test_a_304_confirms_as_well() -> None:
    reader = Reader()
    reader.take(GOOD, URL, NOW)
    reader.take(CHANGED, URL, NOW)
    assert codes(reader.again(NOW, is_retry=True)) == ["MUTATED"]
    assert codes(reader.again(NOW)) == []


def test_a_confirmation_that_shows_the_old_segments_takes_the_event_back() -> None:
    reader = Reader()
    reader.take(GOOD, URL, NOW)
    reader.take(CHANGED, URL, NOW)
    assert codes(reader.take(NEXT, URL, NOW, is_retry=True)) == []


def test_without_a_confirmation_the_event_is_not_told_again() -> None:
    reader = Reader()
    reader.take(GOOD, URL, NOW)
    reader.take(CHANGED, URL, NOW)
    assert codes(reader.take(AFTER, URL, NOW)) == []


def test_an_answer_that_is_no_playlist_leaves_what_was_remembered() -> None:
    reader = Reader()
    reader.take(GOOD, URL, NOW)
    with pytest.raises(PlaylistError):
        reader.take(b"<html>", URL, NOW)
    assert codes(reader.take(NEXT, URL, NOW)) == []
    assert codes(reader.take(GOOD.replace(b"9.ts", b"x.ts"), URL, NOW)) == []  # went back: not compared
    assert reader.take(GOOD.replace(b"9.ts", b"x.ts"), URL, NOW).is_unchanged


def test_a_restarted_encoder_is_learned_anew() -> None:
    reader = Reader()
    for first in range(100, 104):
        reader.take(playlist(first, *numbered(first, first + 5)), URL, NOW)
    assert codes(reader.take(playlist(0, "0.ts"), URL, NOW)) == []  # one segment: it has to grow first
    assert codes(reader.take(playlist(0, "0.ts", "1.ts"), URL, NOW)) == []
    assert codes(reader.take(playlist(1, "1.ts", "2.ts"), URL, NOW)) == ["WINDOW_SHORT"]


def test_304_before_anything_was_read_is_an_error() -> None:
    with pytest.raises(PlaylistError):
        Reader().again(NOW)


def test_standing_remarks_are_told_of_an_unchanged_answer_too_and_the_clock_goes_on() -> None:
    reader = Reader()
    dated = playlist(5, "#EXT-X-GAP|5.ts", "#EXT-X-PROGRAM-DATE-TIME:2024-03-01T03:00:10Z|6.ts")
    assert codes(reader.take(dated, URL, NOW)) == ["GAP", "FUTURE"]
    assert codes(reader.take(dated, URL, NOW + timedelta(seconds=4))) == ["GAP", "FUTURE"]
    assert codes(reader.again(NOW + timedelta(seconds=8))) == ["GAP"]


def test_a_master_is_told_as_such_and_its_variables_go_to_its_playlists() -> None:
    master = b'#EXTM3U\n#EXT-X-DEFINE:NAME="p",VALUE="cdn/x"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{$p}/v.m3u8\n'
    reader = Reader()
    taken = reader.take(master, "http://h.test/m.m3u8", NOW)
    assert taken.master is not None and taken.master.variants[0].uri == "http://h.test/cdn/x/v.m3u8"
    assert reader.take(master, "http://h.test/m.m3u8", NOW).is_unchanged
    media = playlist(1, "{$p}/1.ts", head=('#EXT-X-DEFINE:IMPORT="p"',))
    child = Reader().take(media, "http://h.test/v.m3u8", NOW, imported=taken.master.variables)
    assert child.media is not None and child.media.listed(-1).url == "http://h.test/cdn/x/1.ts"


def test_a_query_parameter_goes_into_the_url_that_is_fetched_and_into_nothing_that_is_told() -> None:
    media = playlist(1, "{$token}/1.ts", head=('#EXT-X-DEFINE:QUERYPARAM="token"',))
    taken = Reader().take(media, "http://h.test/v.m3u8?token=geheim", NOW)
    assert taken.media is not None and taken.media.listed(-1).url == "http://h.test/geheim/1.ts"
    assert "geheim" not in repr(taken.facts)


def test_the_same_bytes_under_a_new_signature_are_unchanged_and_fetched_by_it() -> None:
    media = playlist(1, "{$token}/1.ts", head=('#EXT-X-DEFINE:QUERYPARAM="token"',))
    reader = Reader()
    reader.take(media, "http://h.test/v.m3u8?token=one", NOW)
    taken = reader.take(media, "http://h.test/v.m3u8?token=two", NOW)
    assert taken.is_unchanged and taken.media is not None and taken.media.listed(-1).url == "http://h.test/two/1.ts"
