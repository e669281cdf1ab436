"""The rig itself: a healthy show keeps the rules it is the measure of, the station speaks HTTP, and a night that says nothing says so."""

from __future__ import annotations

import asyncio
import gzip
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from console.judge import stream
from console.model.finding import ChannelVerdict, Finding
from console.model.severity import Layer, Severity
from tests.streams.broken_answers import Headers
from tests.streams.broken_playlists import Freeze
from tests.streams.catalogue import MAKERS, style_of
from tests.streams.composing import composed
from tests.streams.hasty import BEGIN_S, HastyLoop
from tests.streams.night import BEGIN, Night, RigFailed
from tests.streams.show import LADDER, Copy, HlsShow, Style
from tests.streams.station import Reply
from tests.streams.station import rendered as sent
from tests.streams.truth import false_of, missed


def show_of(style: Style) -> HlsShow:
    return HlsShow("one", style, BEGIN - 10_000 * style.target_s)


@pytest.mark.parametrize("seed", range(30))
def test_a_healthy_show_only_appends_at_its_end_and_removes_at_its_front(seed: int):
    rng = random.Random(seed)
    show = show_of(style_of(rng, seed))
    rendition = show.style.ladder[0].name
    before: Copy | None = None
    t = BEGIN + rng.uniform(0, 10)
    for _ in range(60):
        copy = show.copy(rendition, t)
        numbered = {copy.media_sequence + i: segment for i, segment in enumerate(copy.segments)}
        assert len(copy.segments) == show.style.window
        assert all(round(segment.extinf_s) <= copy.target_s for segment in copy.segments)
        for one, other in zip(copy.segments, copy.segments[1:], strict=False):
            assert one.at is not None and other.at is not None
            assert abs(one.at + one.extinf_s - other.at) < 0.001
        if before is not None:
            old = {before.media_sequence + i: segment for i, segment in enumerate(before.segments)}
            assert copy.media_sequence >= before.media_sequence
            gone = [segment for msn, segment in old.items() if msn not in numbered]
            lost = sum(segment.is_discontinuous for segment in gone)
            assert copy.discontinuity_sequence - before.discontinuity_sequence == lost
            for msn in old.keys() & numbered.keys():
                assert (old[msn].uri, old[msn].extinf_s, old[msn].at, old[msn].key) == (
                    numbered[msn].uri, numbered[msn].extinf_s, numbered[msn].at, numbered[msn].key,
                )  # fmt: skip
        before = copy
        t += rng.uniform(0.1, show.style.target_s)


def test_what_a_show_lists_it_has_and_what_it_does_not_list_yet_it_has_not():
    show = show_of(Style())
    newest = show.newest("720p", BEGIN + 100)
    assert show.answer("origin", f"720p/seg-{newest}.ts", {}, BEGIN + 100).status == 200
    assert show.answer("edge-lhr", f"720p/seg-{newest + 1}.ts", {}, BEGIN + 100).status == 404
    assert f"seg-{newest}.ts".encode() in show.answer("origin", "720p/index.m3u8", {}, BEGIN + 100).body


def test_an_edge_serves_its_copy_until_it_is_too_old_and_tells_its_age():
    show = show_of(Style(ttl_s=2.0))
    at = show.published("720p", show.newest("720p", BEGIN)) + 3.0  # a second before the next
    first = show.answer("edge-lhr", "720p/index.m3u8", {}, at)
    later = show.answer("edge-lhr", "720p/index.m3u8", {}, at + 1.9)
    fresh = show.answer("edge-lhr", "720p/index.m3u8", {}, at + 2.1)
    assert (first.headers["X-Cache"], later.headers["X-Cache"], fresh.headers["X-Cache"]) == ("MISS", "HIT", "MISS")
    assert later.headers["Age"] == "1" and later.body == first.body != fresh.body


def test_a_fault_is_there_from_its_begin_to_its_end_and_only_at_its_place():
    fault = Freeze(start=BEGIN + 10, length_s=20, vantages=("edge-lhr",), rendition="720p")
    show = HlsShow("one", Style(), BEGIN - 40_000, [fault])

    def newest(vantage: str, rendition: str, t: float) -> bytes:
        return show.answer(vantage, f"{rendition}/index.m3u8", {}, BEGIN + t).body.split()[-1]

    begun = newest("edge-lhr", "720p", 11)
    assert newest("edge-lhr", "480p", 27) == newest("edge-syd", "720p", 27) != begun
    assert newest("edge-lhr", "720p", 29) == begun
    assert newest("edge-lhr", "720p", 31) == newest("edge-syd", "720p", 31) != begun


def test_a_header_that_a_fault_takes_away_is_gone():
    fault = Headers(start=BEGIN, drop=("Access-Control-Allow-Origin", "Content-Encoding"))
    reply = HlsShow("one", Style(), BEGIN - 40_000, [fault]).answer("origin", "720p/index.m3u8", {}, BEGIN + 5)
    assert "Access-Control-Allow-Origin" not in reply.headers and not reply.is_zippable


def test_the_station_speaks_of_ranges_of_what_is_unchanged_and_in_gzip():
    text = Reply(200, {"ETag": '"a"'}, b"x" * 500, is_zippable=True)
    head, body = sent("GET", {"accept-encoding": "gzip"}, text)
    assert b"Content-Encoding: gzip" in head and gzip.decompress(body) == b"x" * 500
    assert sent("GET", {"if-none-match": '"a"'}, text)[0].startswith(b"HTTP/1.1 304")
    part = sent("GET", {"range": "bytes=2-4"}, Reply(200, {}, b"abcdefgh"))
    assert part[1] == b"cde" and b"Content-Range: bytes 2-4/8" in part[0] and part[0].startswith(b"HTTP/1.1 206")
    head, body = sent("HEAD", {}, Reply(200, {}, b"abc"))
    assert b"Content-Length: 3" in head and body == b""


def test_the_loop_waits_for_nothing_and_its_clock_goes_on():
    async def nap() -> float:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop().time() - BEGIN_S

    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        assert 3600 <= runner.run(nap()) < 3601


def test_the_loop_does_wait_for_a_thread():
    async def timed() -> str:
        loop = asyncio.get_running_loop()
        return await asyncio.wait_for(loop.run_in_executor(None, lambda: sum(range(200_000)) and "done"), 0.001)

    with asyncio.Runner(loop_factory=HastyLoop) as runner:
        assert runner.run(timed()) == "done"


def test_a_night_whose_rig_was_late_is_void_and_blames_nobody():
    night = Night()
    night.add("one", Style(edges=()))
    night.at(5.0, lambda night: night.loop.stall(2.0))
    with pytest.raises(RigFailed, match="nobody ordered"):
        night.run(10.0)


def test_the_same_seed_composes_the_same_night_and_another_another():
    assert composed(5, 30) == composed(5, 30) != composed(6, 30)


def test_every_kind_of_fault_is_composed_and_can_be_due_in_its_night():
    faults = [fault for seed in range(1, 4) for one in composed(seed, 60) for fault in one.faults]
    assert len({type(fault) for fault in faults}) >= 28 and len(faults) >= 180
    assert len(MAKERS) <= 60


def test_a_judge_that_says_nothing_and_one_that_accuses_everybody_would_be_told_so(monkeypatch: pytest.MonkeyPatch):
    real = stream.step

    def judged_by(change: Callable[[ChannelVerdict], ChannelVerdict]) -> Night:
        def step(*given: Any) -> stream.Step:
            told = real(*given)
            return msgspec.structs.replace(told, verdict=change(told.verdict))

        monkeypatch.setattr(stream, "step", step)
        night = Night()
        night.add("frozen", Style(edges=(), ladder=LADDER[:1]), [Freeze(start=BEGIN + 9)])
        night.add("healthy", Style(edges=(), ladder=LADDER[:1]))
        return night.run(26.0)

    def silent(verdict: ChannelVerdict) -> ChannelVerdict:
        return msgspec.structs.replace(verdict, findings=())

    def loud(verdict: ChannelVerdict) -> ChannelVerdict:
        at = datetime(2024, 3, 1, tzinfo=UTC)
        finding = Finding("STALE", verdict.channel, "1080p", Layer.PACKAGE, "origin", Severity.CRIT, "because", at, at)
        return msgspec.structs.replace(verdict, findings=(finding,))

    quiet = judged_by(silent).watched
    (fault,) = quiet["frozen"].show.faults  # type: ignore[attr-defined]
    assert [miss.what for miss in missed(quiet["frozen"], fault)] == ["missed"]
    noisy = judged_by(loud).watched
    assert {false.why for false in false_of(noisy["healthy"], [])} == {"of a healthy channel"}
    assert {false.why for false in false_of(noisy["frozen"], [fault])} == {"before the fault"}
    honest = judged_by(lambda verdict: verdict).watched
    assert missed(honest["frozen"], fault) == [] == false_of(honest["frozen"], [fault]) == false_of(honest["healthy"], [])
