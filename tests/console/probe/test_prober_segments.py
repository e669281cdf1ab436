"""Which segments are looked at, how, and what of them is told. T = 1 s."""

from __future__ import annotations

import gzip
import hashlib
import time

import pytest

from console.model.observation import Asked, Observation, Outcome
from console.probe import content, departed, segments
from tests.console.probe.probing import Probing, probing
from tests.console.sources.hls.station import WINDOW, Station, T, media
from tests.streams.media import fmp4_init, fmp4_segment, ts_segment


def segments_asked(station: Station, method: str, part: str = "/seg-") -> list[str]:
    return [path for how, _, path in station.asked if how == method and part in path]


def sequences(seen: list[Observation]) -> list[int]:
    return [one.segment.sequence for one in seen if one.segment is not None]


def fresh(watch: Probing, rendition: str | None = None, channel: str = "one") -> list[Observation]:
    """The looks at new segments."""
    return [one for one in watch.of(Asked.SEGMENT, rendition, channel) if one.segment and one.segment.left_s is None]


async def looked(watch: Probing, count: int, rendition: str | None = None) -> list[Observation]:
    await watch.until(lambda: len(fresh(watch, rendition)) >= count, f"{count} segments are looked at")
    return fresh(watch, rendition)


async def test_the_newest_segment_of_the_top_rendition_is_read_whole_once_at_each_vantage():
    async with Station() as station, probing(station.channel(), period_s=0.3) as watch:
        await watch.until(
            lambda: all(sum(one.vantage == v for one in fresh(watch)) >= 2 for v in ("origin", "edge-lhr")),
            "two segments of each vantage are looked at",
        )
        seen = fresh(watch)
        assert {one.rendition for one in seen} == {"720p"}
        assert not segments_asked(station, "GET", "/360p/seg-") and not segments_asked(station, "HEAD", "/360p/seg-")
        for vantage in ("origin", "edge-lhr"):
            numbers = sequences([one for one in seen if one.vantage == vantage])
            assert len(set(numbers)) == len(numbers)
        facts = seen[0].segment
        assert facts is not None and facts.is_whole and seen[0].remarks == ()
        assert (facts.container, facts.height, facts.extinf_s, facts.declared_bps) == ("ts", 720, 1.0, 720_000)
        assert facts.size is not None and facts.size > 188 and len(facts.digest) == 32
        assert facts.transfer_s is not None and facts.first_byte_s is not None
        assert 0 < facts.first_byte_s <= facts.transfer_s < 1.0
        assert len({one.segment.digest for one in seen if one.segment and one.vantage == "origin"}) > 1


async def test_a_vantage_that_refuses_head_is_asked_for_one_byte_and_from_then_on_at_once():
    async with Station() as station:
        station.refuses_head = True
        async with probing(station.channel(edges=()), period_s=0.3, segment_policy="head") as watch:
            seen = await looked(watch, 2)
            assert all(one.outcome is Outcome.OK for one in seen)
            assert len(segments_asked(station, "HEAD")) == 1
            ranges = [h.get("Range") for (how, _, p), h in zip(station.asked, station.headers, strict=True) if "/seg-" in p and how == "GET"]
            assert set(ranges) == {"bytes=0-0"}


async def test_without_budget_only_the_head_is_asked():
    async with Station() as station:
        channel = station.channel(edges=())
        async with probing(channel, period_s=0.3, segment_budget_Bps=0.0) as watch:
            (seen, *_) = await looked(watch, 1)
            assert seen.outcome is Outcome.OK and not segments_asked(station, "GET")
            assert seen.segment is not None and not seen.segment.is_whole and seen.segment.transfer_s is None
            assert seen.segment.size is not None and seen.segment.digest == ""  # a length without an ETag is no identity


async def test_the_policy_head_never_fetches_a_segment_however_much_is_left_of_the_budget():
    async with Station() as station, probing(station.channel(edges=()), period_s=0.2, segment_policy="head") as watch:
        await looked(watch, 1)
        assert not segments_asked(station, "GET") and segments_asked(station, "HEAD")


async def test_of_a_fleet_the_oldest_are_asked_for_in_turns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(segments, "OLD_PER_S", 0.01)
    async with Station() as station, probing(station.channel(edges=()), period_s=0.2) as watch:
        await looked(watch, 4)
        old = [one for one in watch.of(Asked.SEGMENT) if one.segment and one.segment.left_s == 0.0]
        assert len(old) == 1 and old[0].outcome is Outcome.OK  # the next is due after one and a half windows at the earliest


async def test_of_a_fleet_one_whose_oldest_is_missing_is_asked_with_every_new_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(segments, "OLD_PER_S", 0.01)
    async with Station() as station:
        first = int(time.time() / T) - WINDOW - 1
        station.bodies.update({f"/one/720p/seg-{n}.ts": (404, b"", {}) for n in range(first, first + 4)})
        async with probing(station.channel(edges=()), period_s=0.2) as watch:

            def old() -> set[int]:
                return set(sequences([one for one in watch.of(Asked.SEGMENT) if one.segment and one.segment.left_s == 0.0]))

            await watch.until(lambda: len(old()) >= 3, "three are asked for")


async def test_the_oldest_that_is_listed_is_asked_for_by_head_with_every_new_one():
    async with Station() as station:
        begun = time.time()
        station.frozen[("origin", "one", "720p")] = begun
        oldest = int(begun / T) - WINDOW
        station.bodies[f"/one/720p/seg-{oldest}.ts"] = (404, b"", {})
        async with probing(station.channel(edges=()), period_s=0.2) as watch:

            def old() -> list[Observation]:
                return [one for one in watch.of(Asked.SEGMENT) if one.segment and one.segment.left_s == 0.0]

            await watch.until(lambda: len(old()) == 2, "it is missed twice")
            assert [(one.status, one.is_retry) for one in old()] == [(404, False), (404, True)]
            assert sequences(old()) == [oldest, oldest]
            station.frozen[("origin", "one", "720p")] = begun + T
            await watch.until(lambda: len(old()) == 3, "the next is asked for")
            last = old()[-1]
            assert last.outcome is Outcome.OK and last.segment and not last.segment.is_whole
            assert segments_asked(station, "GET", f"seg-{oldest + 1}.ts") == []


async def test_a_segment_that_left_the_window_and_is_gone_too_early_is_told_with_how_long_ago_it_left(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(departed, "ASK_SHARE", 0.1)
    async with Station() as station:
        begun = time.time()
        place = ("origin", "one", "720p")
        station.frozen[place] = begun
        async with probing(station.channel(edges=()), period_s=0.2) as watch:
            (seen,) = await looked(watch, 1)
            assert seen.segment is not None and seen.segment.left_s is None
            sequence = seen.segment.sequence
            station.bodies[f"/one/720p/seg-{sequence}.ts"] = (404, b"", {})
            station.frozen[place] = begun + WINDOW * T
            await watch.until(lambda: sequences(watch.of(Asked.SEGMENT)).count(sequence) == 3, "it is asked for when it has left")
            gone = [one for one in watch.of(Asked.SEGMENT)[1:] if one.segment and one.segment.sequence == sequence]
            assert [(one.status, one.is_retry) for one in gone] == [(404, False), (404, True)]
            assert all(one.segment and 0.5 < (one.segment.left_s or 0) < WINDOW * T for one in gone)


async def test_all_means_every_rendition_and_every_segment_that_was_listed_between_two_polls():
    async with Station() as station:
        begun = time.time()
        at = {("origin", "one", rendition): begun for rendition in ("720p", "360p")}
        station.frozen.update(at)
        async with probing(station.channel(edges=()), period_s=0.2, segment_policy="all") as watch:
            for count, rendition in ((n, r) for n in (1, 4, 7) for r in ("720p", "360p")):
                station.frozen.update(dict.fromkeys(at, begun + (count - 1) * T))  # three more at once
                await looked(watch, count, rendition)
                numbers = sequences(fresh(watch, rendition))
                assert len(numbers) == count
                assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
                assert all(one.segment and one.segment.is_whole for one in fresh(watch, rendition))


async def test_a_missing_segment_is_asked_again_a_moment_later_and_after_half_and_a_whole_target_duration():
    async with Station() as station:
        pinned = time.time()
        newest = int(pinned / T) - 1
        station.frozen[("origin", "one", "720p")] = pinned
        station.bodies[f"/one/720p/seg-{newest}.ts"] = (404, b"", {})
        async with probing(station.channel(edges=()), period_s=0.3) as watch:
            seen = await looked(watch, 4)
            assert [one.status for one in seen] == [404] * 4
            assert [one.is_retry for one in seen] == [False, True, True, True]
            waits = [one.segment.waited_s for one in seen if one.segment is not None]
            assert waits[0] < 0.2 < waits[1] < 0.5 <= waits[2] < 1.0 <= waits[3]
            asked = len(watch.of(Asked.MEDIA, "720p"))
            await watch.until(lambda: len(watch.of(Asked.MEDIA, "720p")) > asked + 2, "it is polled on")
            assert len(fresh(watch)) == 4  # and then it is left alone


async def test_a_late_segment_is_told_as_one_that_came_after_a_while():
    async with Station() as station:
        pinned = time.time()
        path = f"/one/720p/seg-{int(pinned / T) - 1}.ts"
        station.frozen[("origin", "one", "720p")] = pinned
        station.bodies[path] = (404, b"", {})
        async with probing(station.channel(edges=()), period_s=0.3) as watch:
            await looked(watch, 2)
            del station.bodies[path]
            *_, last = await looked(watch, 3)
            assert last.outcome is Outcome.OK and last.is_retry
            assert last.segment is not None and last.segment.is_whole and last.segment.waited_s >= 0.5


async def test_a_segment_that_hangs_delays_no_poll_and_no_other_channel():
    async with Station() as station:
        station.hanging_paths = lambda path: path.startswith("/one/") and "/seg-" in path
        channels = [station.channel(name, edges=()) for name in ("one", "two")]
        async with probing(*channels, period_s=0.2) as watch:
            await watch.until(lambda: any("/one/" in p for p in segments_asked(station, "GET")), "it hangs")
            polls = len(watch.of(Asked.MEDIA, "720p"))
            await watch.until(lambda: len(watch.of(Asked.MEDIA, "720p")) >= polls + 6, "it is polled on")
            await watch.until(lambda: len(fresh(watch, channel="two")) >= 2, "the other's come")
            assert len([p for p in segments_asked(station, "GET") if "/one/" in p]) == 1  # never two at once
            assert max(one.elapsed_s for one in watch.of(Asked.MEDIA)) < 1.0
            beat = watch.pulse.beat(watch.seen[-1].at, 2, watch.prober.in_flight)
            assert beat.poll_lag_s < 0.5


async def test_a_body_past_the_cap_is_cut_and_told_as_not_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(content, "BODY_LIMIT", 1880)
    async with Station() as station, probing(station.channel(edges=()), period_s=0.3) as watch:
        (seen, *_) = await looked(watch, 1)
        facts = seen.segment
        assert seen.outcome is Outcome.OK and facts is not None
        assert not facts.is_whole and facts.digest == "" and facts.transfer_s is None
        assert facts.size is not None and facts.size > 1880  # by its Content-Length
        assert seen.remarks == ()


async def test_byte_ranges_are_asked_for_and_an_encrypted_segment_is_taken_for_what_it_is():
    async with Station() as station:
        lines = media(time.time()).splitlines()
        place = max(n for n, line in enumerate(lines) if line.startswith("#EXTINF"))
        lines[place:place] = ['#EXT-X-KEY:METHOD=AES-128,URI="/one/key"', "#EXT-X-BYTERANGE:160@32"]
        station.bodies["/one/720p/index.m3u8"] = (200, "\n".join(lines).encode(), {})
        station.bodies[f"/one/720p/{lines[-1]}"] = (206, b"\x8f" * 160, {"Content-Range": "bytes 32-191/1000"})
        station.bodies["/one/key"] = (200, b"k" * 16, {})
        async with probing(station.channel(edges=()), period_s=0.3) as watch:
            (seen, *_) = await looked(watch, 1)
            asked = zip(station.asked, station.headers, strict=True)
            ranges = [headers["Range"] for (how, _, path), headers in asked if how == "GET" and "/seg-" in path]
            assert ranges == ["bytes=32-191"]
            facts = seen.segment
            assert facts is not None and (facts.container, facts.size, facts.is_whole) == ("encrypted", 160, True)
            assert facts.digest == hashlib.blake2b(b"\x8f" * 160, digest_size=16).hexdigest() and seen.remarks == ()


async def test_a_playlist_cannot_send_the_prober_to_the_metadata_service_nor_take_a_credential_elsewhere():
    async with Station() as station:
        for name, url in (("meta", "http://169.254.169.254/latest/x.ts"), ("other", f"http://127.0.0.1:{station.port}/o/720p/seg-1.ts")):
            body = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n"
            station.bodies[f"/{name}/720p/index.m3u8"] = (200, body.encode(), {})
        secret = {"Authorization": "Bearer s3cret", "X-Probe": "yes"}
        channels = [station.channel(name, edges=(), headers=secret) for name in ("meta", "other")]
        async with probing(*channels, period_s=0.3) as watch:
            await watch.until(lambda: bool(fresh(watch, channel="meta")), "one is refused")
            await watch.until(lambda: bool(fresh(watch, channel="other")), "the other is asked")
            assert fresh(watch, channel="meta")[0].outcome is Outcome.REFUSED_REDIRECT
            sent = [h for (_, host, _), h in zip(station.asked, station.headers, strict=True) if host.startswith("127.")]
            assert sent and all("Authorization" not in h and h["X-Probe"] == "yes" for h in sent)


def mapped(line: str) -> bytes:
    """A playlist that stands still, whose segments have a map."""
    first, *rest = media(time.time()).splitlines()
    return "\n".join([first, '#EXT-X-MAP:URI="init.mp4"', *rest, line]).encode()


async def test_a_segment_is_read_with_its_map_which_is_fetched_once():
    async with Station() as station:
        station.bodies["/one/720p/index.m3u8"] = (200, mapped(""), {})
        station.bodies["/one/720p/init.mp4"] = (200, fmp4_init(720), {})
        for number in range(int(time.time()) - 3, int(time.time()) + 30):
            station.bodies[f"/one/720p/seg-{number}.ts"] = (200, fmp4_segment(number, 1.0, height=720, fps=10), {})
        async with probing(station.channel(edges=()), period_s=0.2) as watch:
            await looked(watch, 1)
            station.bodies["/one/720p/index.m3u8"] = (200, mapped(f"#EXTINF:1,\nseg-{int(time.time())}.ts"), {})
            for seen in await looked(watch, 2):
                assert seen.segment is not None and seen.remarks == ()
                assert (seen.segment.container, seen.segment.height, seen.segment.starts_with_key) == ("fmp4", 720, True)
            assert len(segments_asked(station, "GET", "init.mp4")) == 1


async def test_a_map_that_is_missing_leaves_its_segment_unplayable_and_is_named():
    async with Station() as station:
        station.bodies["/one/720p/index.m3u8"] = (200, mapped(""), {})
        station.bodies["/one/720p/init.mp4"] = (404, b"", {})
        async with probing(station.channel(edges=()), period_s=0.2) as watch:
            (seen, *_) = await looked(watch, 1)
            assert (seen.outcome, seen.status) == (Outcome.HTTP, 404)
            assert seen.detail.startswith("its initialisation section: 404")


async def test_a_segment_that_came_compressed_is_read_all_the_same():
    async with Station() as station:
        pinned = time.time()
        station.frozen[("origin", "one", "720p")] = pinned
        body = ts_segment(1000.0, 1.0, height=720, fps=10)
        headers = {"Content-Encoding": "gzip"}
        station.bodies[f"/one/720p/seg-{int(pinned / T) - 1}.ts"] = (200, gzip.compress(body), headers)
        async with probing(station.channel(edges=()), period_s=0.2) as watch:
            (seen, *_) = await looked(watch, 1)
            assert seen.outcome is Outcome.OK and seen.remarks == ()
            assert seen.segment is not None and (seen.segment.container, seen.segment.size) == ("ts", len(body))


async def test_a_segment_without_a_keyframe_at_its_begin_breaks_the_promise_of_its_playlist():
    async with Station() as station:
        lines = media(time.time()).splitlines()
        station.bodies[f"/one/720p/{lines[-1]}"] = (200, ts_segment(1.0, 1.0, height=720, fps=10, is_key_first=False), {})
        promised = [lines[0], "#EXT-X-INDEPENDENT-SEGMENTS", *lines[1:]]
        for name, body in (("one", promised), ("two", lines)):
            station.bodies[f"/{name}/720p/index.m3u8"] = (200, "\n".join(body).encode(), {})
        station.bodies[f"/two/720p/{lines[-1]}"] = station.bodies[f"/one/720p/{lines[-1]}"]
        async with probing(*(station.channel(name, edges=()) for name in ("one", "two")), period_s=0.2) as watch:
            await watch.until(lambda: bool(fresh(watch) and fresh(watch, channel="two")), "both are looked at")
            (remark,) = fresh(watch)[0].remarks
            assert remark.code == "SEG_BAD" and "keyframe" in remark.says
            assert fresh(watch, channel="two")[0].remarks == ()


async def test_a_segment_whose_bytes_are_wrong_is_looked_at_once_more_before_the_next():
    async with Station() as station:
        pinned = time.time()
        bad = f"/one/720p/seg-{int(pinned / T) + 1}.ts"  # not listed yet
        station.bodies[bad] = (200, b"G" + bytes(5000), {})
        async with probing(station.channel(edges=()), period_s=0.2, segment_policy="all") as watch:
            await watch.until(lambda: any(one.remarks for one in fresh(watch, "720p")), "the bad one is looked at")
            number = next(one.segment.sequence for one in fresh(watch, "720p") if one.remarks and one.segment)
            await watch.until(lambda: number + 2 in sequences(fresh(watch, "720p")), "those after it are looked at")
        seen = [one for one in fresh(watch, "720p") if one.segment and one.segment.sequence >= number - 1]
        told = [(one.segment.sequence, one.is_retry, {remark.code for remark in one.remarks}) for one in seen if one.segment]
        at = told.index((number, False, {"SEG_BAD"}))
        assert told[at + 1] == (number, True, {"SEG_BAD"})
        assert all(not is_retry and not codes for _, is_retry, codes in told[at + 2 :])
        assert sum(path == bad for path in segments_asked(station, "GET")) == 2
