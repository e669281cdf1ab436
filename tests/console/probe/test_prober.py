"""What the prober tells of playlists and keys, and what must not disturb it. T = 1 s."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from itertools import pairwise

import msgspec

from console.model.observation import Asked, Outcome
from console.probe.outbox import Outbox
from tests.console.probe.probing import Probing, probing
from tests.console.sources.hls.station import CORS, HLS, Station, T, media

HEADERS = {"Content-Type": HLS, **CORS}


def pinned(*more: str) -> bytes:
    """A playlist that stands still, with some lines before its newest segment."""
    lines = media(time.time()).splitlines()
    place = max(n for n, line in enumerate(lines) if line.startswith("#EXTINF"))
    return "\n".join([*lines[:place], *more, *lines[place:], ""]).encode()


async def polled(watch: Probing, count: int) -> None:
    have = len(watch.of(Asked.MEDIA, "720p"))
    await watch.until(lambda: len(watch.of(Asked.MEDIA, "720p")) >= have + count, f"{count} polls more")


async def test_a_standing_remark_is_told_with_every_answer_and_asked_about_once():
    async with Station() as station:
        station.bodies["/one/720p/index.m3u8"] = (200, pinned("#EXT-X-GAP"), HEADERS)
        async with probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
            await polled(watch, 5)
            seen = watch.of(Asked.MEDIA, "720p")
            assert all([remark.code for remark in one.remarks] == ["GAP"] for one in seen)
            assert sum(one.is_unchanged for one in seen) == len(seen) - 1
            assert [one.is_retry for one in seen].count(True) == 1 and seen[1].is_retry
            station.bodies["/one/720p/index.m3u8"] = (200, pinned(), HEADERS)
            await watch.until(lambda: watch.of(Asked.MEDIA, "720p")[-1].remarks == (), "it is told no more")


async def test_an_event_is_told_twice_by_the_answer_and_by_the_one_refetch_that_confirms_it():
    async with Station() as station:
        body = pinned()
        station.bodies["/one/720p/index.m3u8"] = (200, body, HEADERS)
        async with probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
            await polled(watch, 3)
            old = body.rsplit(b"\n", 2)[-2]
            station.bodies["/one/720p/index.m3u8"] = (200, body.replace(old, b"other.ts"), HEADERS)
            await watch.until(lambda: any(one.remarks for one in watch.of(Asked.MEDIA, "720p")), "the change is seen")
            await polled(watch, 5)
            told = [one for one in watch.of(Asked.MEDIA, "720p") if one.remarks]
            assert [(one.remarks[0].code, one.remarks[0].is_event, one.is_retry) for one in told] == [
                ("MUTATED", True, False),
                ("MUTATED", True, True),
            ]
            assert told[1].at.mono - told[0].at.mono < 0.15


async def test_a_fault_that_comes_and_goes_is_not_asked_about_twice_as_often():
    """Two nodes of one cache, in turn: every second answer is an older copy."""
    async with Station() as station:
        new = pinned()
        old = media(time.time() - 3).encode()
        async with probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
            for turn in range(8):
                station.bodies["/one/720p/index.m3u8"] = (200, (new, old)[turn % 2], HEADERS)
                await polled(watch, 1)
            seen = watch.of(Asked.MEDIA, "720p")
            assert sum(one.is_retry for one in seen) <= 2  # within less than 2 T


async def test_an_origin_that_is_asked_for_an_edge_while_its_re_fetch_is_due_makes_that_re_fetch():
    async with Station() as station, probing(station.channel(), period_s=2.0, segments=False) as watch:
        await watch.until(lambda: {one.vantage for one in watch.of(Asked.MEDIA, "720p")} == {"origin", "edge-lhr"}, "both are seen")
        prober = watch.prober
        origin, edge = (prober._roster.get("one", name, "720p") for name in ("origin", "edge-lhr"))
        assert origin is not None and edge is not None
        await watch.until(lambda: origin.task is None, "it is not being asked")
        origin.pace = msgspec.structs.replace(origin.pace, retry_at=origin.last_start)
        prober._consult_origin(edge)
        have = len([one for one in watch.of(Asked.MEDIA, "720p") if one.vantage == "origin"])
        await watch.until(
            lambda: len([one for one in watch.of(Asked.MEDIA, "720p") if one.vantage == "origin"]) > have, "it was asked"
        )
        assert [one for one in watch.of(Asked.MEDIA, "720p") if one.vantage == "origin"][have].is_retry


async def test_an_origin_is_asked_for_its_whole_answer_when_an_edges_headers_are_wrong():
    async with Station() as station:
        station.bodies["edge-lhr/one/720p/index.m3u8"] = (200, pinned(), HEADERS)
        station.bodies["origin/one/720p/index.m3u8"] = (200, pinned(), {**HEADERS, "ETag": '"a"'})
        async with probing(station.channel(), period_s=0.2, segments=False) as watch:
            await polled(watch, 6)
            origin = watch.prober._roster.get("one", "origin", "720p")
            await watch.until(lambda: origin is not None and origin.etag == '"a"', "its copy is known")
            asked = [h for h in station.headers if h.get("If-None-Match") == '"a"' and h["Host"].startswith("origin")]
            assert asked
            station.bodies["edge-lhr/one/720p/index.m3u8"] = (200, pinned(), {**HEADERS, "Cache-Control": "max-age=30"})
            have = len(station.headers)
            await watch.until(
                lambda: any(
                    path.endswith("720p/index.m3u8") and host.startswith("origin") and "If-None-Match" not in headers
                    for (_, host, path), headers in list(zip(station.asked, station.headers, strict=True))[have:]
                ),
                "the origin is asked for all of it",
            )


async def test_our_clock_is_held_against_the_date_of_a_server_now_and_then():
    async with Station() as station, probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
        await polled(watch, 6)
        skews = [one.skew_s for one in watch.of(Asked.MEDIA, "720p")]
        assert skews[0] is not None and abs(skews[0]) < 1.0 and skews[1:] == [None] * (len(skews) - 1)


async def test_headers_are_remarked_upon_and_who_answered_is_told():
    async with Station() as station:
        station.bodies["/one/720p/index.m3u8"] = (
            200,
            pinned(),
            {**HEADERS, "Cache-Control": "max-age=30", "X-Cache": "HIT from lhr-7", "Via": "1.1 v\u00e4rnish"},
        )
        async with probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
            await polled(watch, 3)
            seen = watch.of(Asked.MEDIA, "720p")
            assert all([remark.code for remark in one.remarks] == ["CACHE_HDR"] for one in seen)
            assert seen[0].remarks[0].value == 30.0
            assert seen[0].served_by.startswith("HIT from lhr-7") and seen[0].served_by.isascii()
            assert not any(one.is_retry for one in seen)  # weighed over many answers, not at sight


async def test_a_channel_that_accepts_and_hangs_changes_nothing_for_the_others():
    async with Station() as station:
        station.hanging.add(("origin", "dead"))
        channels = [station.channel("dead", edges=()), station.channel("one", edges=())]
        async with probing(*channels, period_s=0.2, segments=False) as watch:
            await polled(watch, 6)
            await watch.until(lambda: station.asked.count(("GET", "origin.midwatch.test", "/dead/master.m3u8")) == 1, "it hangs")
            starts = [one.at.mono - one.elapsed_s for one in watch.of(Asked.MEDIA, "720p")][-6:]
            assert max(b - a for a, b in pairwise(starts)) < 0.6
            assert not watch.of(Asked.MASTER, channel="dead")


async def test_subtitles_and_i_frames_are_polled_gently_and_their_segments_are_left_alone():
    master = (
        "#EXTM3U\n"
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="s",NAME="en",URI="subs/index.m3u8"\n'
        '#EXT-X-STREAM-INF:BANDWIDTH=720000,RESOLUTION=1280x720,SUBTITLES="s"\n720p/index.m3u8\n'
        '#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,RESOLUTION=640x360,URI="360p/index.m3u8"\n'
    )
    async with Station() as station:
        station.bodies["/one/master.m3u8"] = (200, master.encode(), HEADERS)
        for name in ("subs", "360p"):
            station.bodies[f"/one/{name}/index.m3u8"] = (200, pinned("#EXT-X-ENDLIST"), HEADERS)
        async with probing(station.channel(edges=()), segment_policy="head", period_s=0.2) as watch:
            seen = Counter[str | None]()

            def is_each_twice() -> bool:
                seen.clear()
                seen.update(one.rendition for one in watch.of(Asked.MEDIA))
                return len(seen) == 3 and min(seen.values()) >= 2

            await watch.until(is_each_twice, "all three are polled twice")
            pauses = {t.rendition: t.pace.grid_at - t.last_start for t in watch.prober._roster if t.rendition}
            assert pauses.pop("720p") <= 0.2
            assert all(1.0 < pause <= 2 * T for pause in pauses.values()) and "subs-en" in pauses
            assert {one.rendition for one in watch.of(Asked.SEGMENT)} == {"720p"}


async def test_a_vantage_that_names_a_media_playlist_is_one_rendition():
    async with Station() as station:
        channel = station.channel(edges=())
        vantage = msgspec.structs.replace(channel.vantages[0], url="http://origin.midwatch.test/one/720p/index.m3u8")
        async with probing(msgspec.structs.replace(channel, vantages=(vantage,)), period_s=0.2) as watch:
            await watch.until(lambda: len(watch.of(Asked.MEDIA, "720p")) >= 3, "it is polled")
            await watch.until(lambda: bool(watch.of(Asked.SEGMENT, "720p")), "its segment is looked at")
            assert not watch.of(Asked.MASTER)


async def test_orders_that_change_only_the_policy_keep_what_is_known():
    async with Station() as station, probing(station.channel(edges=()), period_s=0.2) as watch:
        await watch.until(lambda: bool(watch.of(Asked.SEGMENT)), "a segment is looked at")
        masters = len(watch.of(Asked.MASTER))
        orders = watch.prober._orders
        watch.prober.follow(msgspec.structs.replace(orders, segments=False))
        count = len(watch.of(Asked.SEGMENT))
        await polled(watch, 4)
        assert len(watch.of(Asked.SEGMENT)) <= count + 1 and len(watch.of(Asked.MASTER)) <= masters + 1
        watch.prober.follow(msgspec.structs.replace(orders, channels=()))
        assert watch.prober.channels == 0 and not list(watch.prober._roster) and not watch.prober._segments._lines


async def test_the_outbox_wakes_whoever_waits_for_news():
    outbox = Outbox()
    waiting = asyncio.create_task(outbox.news())
    await asyncio.sleep(0)
    assert not waiting.done() and outbox.take() is None
    async with Station() as station, probing(station.channel(edges=())) as watch:
        await watch.until(lambda: bool(watch.seen), "an answer")
        outbox.put(watch.seen[0])
    await asyncio.wait_for(waiting, 1.0)
    batch = outbox.take()
    assert batch is not None and batch.observations == (watch.seen[0],)
    again = asyncio.create_task(outbox.news())
    await asyncio.sleep(0)
    assert not again.done()
    again.cancel()


def keyed(*tags: str) -> bytes:
    return pinned(*(f"#EXT-X-KEY:{tag}" for tag in tags))


async def test_a_key_is_asked_for_once_and_its_bytes_are_never_told():
    async with Station() as station:
        secret = b"0123456789abcdef"
        station.bodies["/one/key"] = (200, secret, {})
        for rendition in ("720p", "360p"):
            station.bodies[f"/one/{rendition}/index.m3u8"] = (200, keyed('METHOD=AES-128,URI="/one/key?id=s3cret"'), HEADERS)
        async with probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
            await watch.until(lambda: bool(watch.of(Asked.KEY)), "the key is asked for")
            await polled(watch, 3)
            assert sum("/one/key" in path for _, _, path in station.asked) == 1
            (seen, *_) = watch.of(Asked.KEY)
            assert (seen.outcome, seen.remarks, seen.url) == (Outcome.OK, (), "http://origin.midwatch.test/one/key")
            said = repr(watch.seen)
            assert "0123456789" not in said and "s3cret" not in said


async def test_a_key_of_a_wrong_length_is_remarked_upon_and_one_that_is_refused_is_asked_again():
    async with Station() as station:
        station.bodies["/one/long"] = (200, b"<html>no key</html>", {})
        station.bodies["/one/none"] = (403, b"", {})
        licence = 'METHOD=SAMPLE-AES,URI="skd://licence",KEYFORMAT="com.apple.streamingkeydelivery"'
        tags = ('METHOD=AES-128,URI="/one/long"', licence, 'METHOD=SAMPLE-AES,URI="data:,x",KEYFORMAT="urn:uuid:x"')
        station.bodies["/one/720p/index.m3u8"] = (200, keyed(*tags), HEADERS)
        station.bodies["/one/360p/index.m3u8"] = (200, keyed('METHOD=AES-128,URI="/one/none"'), HEADERS)
        async with probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
            await watch.until(lambda: len(watch.of(Asked.KEY, "360p")) >= 3, "the refused key is asked for on")
            refused = watch.of(Asked.KEY, "360p")
            assert {one.status for one in refused} == {403}
            assert [one.is_retry for one in refused[:2]] == [False, True]
            long = watch.of(Asked.KEY, "720p")
            assert {one.url for one in long} == {"http://origin.midwatch.test/one/long"}
            assert long[0].remarks[0].code == "KEY" and "19 bytes" in long[0].remarks[0].says


async def test_a_media_playlist_in_the_masters_place_is_told_and_the_renditions_are_watched_on():
    async with Station() as station, probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
        await polled(watch, 2)
        station.bodies["/one/master.m3u8"] = (200, pinned(), HEADERS)
        (master,) = (target for target in watch.prober._roster if target.is_root)
        for outcome in (Outcome.MALFORMED, Outcome.OK):
            await watch.prober._poll(master, is_retry=False)
            await polled(watch, 2)
            assert watch.of(Asked.MASTER)[-1].outcome is outcome
            station.bodies.pop("/one/master.m3u8", None)


async def test_a_master_in_place_of_what_was_taken_for_a_media_playlist_is_climbed():
    async with Station() as station:
        station.bodies["/one/master.m3u8"] = (200, pinned(), HEADERS)
        async with probing(station.channel(edges=()), period_s=0.2, segments=False) as watch:
            await watch.until(lambda: bool(watch.of(Asked.MEDIA, "master")), "one rendition is watched")
            del station.bodies["/one/master.m3u8"]
            await polled(watch, 2)
            assert watch.of(Asked.MASTER)
