from __future__ import annotations

import asyncio
import gzip
import itertools
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin

import pytest
from aiohttp.test_utils import TestClient, TestServer

from console.demo import hls
from console.demo.transport_stream import PACKET, segment
from console.demo.world.names import CHANNELS, ORIGIN, RENDITIONS, VANTAGE, VANTAGES
from console.demo.world.world import World
from console.probe.media.look import look

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
MEDIA = "/live/uk-sport-1/1080p/index.m3u8"


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def to(self, seconds: float) -> None:
        self.now = START + timedelta(seconds=seconds)


Open = Callable[..., Awaitable[TestClient]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def vantage(clock: Clock) -> AsyncIterator[Open]:
    opened: list[TestClient] = []

    async def open_(name: str = "origin", scenario: str = "calm") -> TestClient:
        application = hls.app(World(7, scenario, START), clock, VANTAGE[name])
        client = TestClient(TestServer(application), auto_decompress=False)
        await client.start_server()
        opened.append(client)
        return client

    yield open_
    for client in opened:
        await client.close()


async def text(client: TestClient, path: str = MEDIA) -> str:
    async with client.get(path, headers={"Accept-Encoding": "identity"}) as response:
        assert response.status == 200, path
        return await response.text()


def sequence(playlist: str) -> int:
    found = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", playlist)
    assert found
    return int(found.group(1))


async def test_every_playlist_and_segment_that_a_master_leads_to_is_there(vantage: Open):
    client = await vantage("edge-lhr")
    for channel in CHANNELS:
        master = await text(client, f"/live/{channel.name}/master.m3u8")
        variants = [line for line in master.splitlines() if line and not line.startswith("#")]
        assert variants == [f"{r}/index.m3u8" for r in RENDITIONS]
    for rendition in RENDITIONS:
        path = f"/live/uk-sport-1/{rendition}/index.m3u8"
        segments = [line for line in (await text(client, path)).splitlines() if not line.startswith("#")]
        assert len(segments) >= 6
        for name in segments:
            async with client.get(urljoin(path, name)) as response:
                assert response.status == 200 and response.content_type == "video/mp2t"
                body = await response.read()
            assert len(body) % PACKET == 0 and set(body[::PACKET]) == {0x47}


async def test_a_media_playlist_has_a_date_for_each_segment_and_none_lies_in_the_future(
    vantage: Open, clock: Clock
):
    client = await vantage()
    for second in range(9):
        clock.to(second)
        playlist = await text(client)
        lines = playlist.splitlines()
        assert lines[0] == "#EXTM3U" and "#EXT-X-TARGETDURATION:4" in lines
        assert "#EXT-X-INDEPENDENT-SEGMENTS" in lines and "#EXT-X-ENDLIST" not in lines
        dates = [datetime.fromisoformat(line.split(":", 1)[1]) for line in lines if "PROGRAM-DATE" in line]
        assert lines.count("#EXTINF:4.000,") == len(dates)
        assert {b - a for a, b in itertools.pairwise(dates)} == {timedelta(seconds=4)}
        age = clock.now - (dates[-1] + timedelta(seconds=4))
        assert timedelta(0) <= age < timedelta(seconds=4.5)


async def test_the_sequence_grows_by_one_every_four_seconds_and_urls_never_change(
    vantage: Open, clock: Clock
):
    client = await vantage()
    seen: dict[int, str] = {}
    sequences = []
    for half in range(80):
        clock.to(half / 2)
        playlist = await text(client)
        sequences.append(sequence(playlist))
        body = playlist.split("INDEPENDENT-SEGMENTS\n")[1].splitlines()
        for place in range(0, len(body), 3):
            number = sequences[-1] + place // 3
            assert seen.setdefault(number, "\n".join(body[place : place + 3])) == "\n".join(
                body[place : place + 3]
            )
    assert {b - a for a, b in itertools.pairwise(sequences)} == {0, 1}
    assert sequences[-1] - sequences[0] in (9, 10)


async def test_a_restarted_platform_goes_on_where_the_old_one_was(clock: Clock):
    old = hls.Packages(World(7, "calm", START))
    new = hls.Packages(World(7, "calm", START + timedelta(seconds=90)))
    clock.to(120)
    assert old.newest("uk-sport-1", clock.now) == new.newest("uk-sport-1", clock.now)


async def test_an_edge_answers_like_a_cache_with_a_ttl_of_a_second(vantage: Open, clock: Clock):
    client = await vantage("edge-syd")
    ages = []
    for tenth in (0, 3, 6, 9, 10, 12):
        clock.to(tenth / 10)
        async with client.get(MEDIA) as response:
            ages.append((int(response.headers["Age"]), response.headers["X-Cache"]))
            assert response.headers["Cache-Control"] == "public, max-age=1"
            assert response.headers["X-Pop"] == "syd"
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert response.content_type == "application/vnd.apple.mpegurl"
    assert ages == [(0, "MISS"), (0, "HIT"), (1, "HIT"), (1, "HIT"), (0, "MISS"), (0, "HIT")]


async def test_an_edge_is_never_more_than_a_second_behind_the_origin(vantage: Open, clock: Clock):
    edge, origin = await vantage("edge-iad"), await vantage("origin")
    said: list[tuple[int, int]] = []
    lagged = 0
    for tenth in range(0, 160, 3):
        clock.to(tenth / 10)
        here, there = sequence(await text(edge)), sequence(await text(origin))
        said.append((tenth, there))
        assert here in {number for when, number in said if tenth - when <= 10}
        lagged += here != there
    assert lagged > 0, "the edge never served from its cache across a change"


async def test_the_origin_has_no_age_and_no_pop(vantage: Open):
    client = await vantage("origin")
    async with client.get(MEDIA) as response:
        assert "Age" not in response.headers and "X-Pop" not in response.headers


async def test_a_known_etag_is_answered_304_and_gzip_has_one_of_its_own(vantage: Open, clock: Clock):
    client = await vantage()
    async with client.get(MEDIA, headers={"Accept-Encoding": "gzip"}) as response:
        zipped, zipped_tag = await response.read(), response.headers["ETag"]
        assert response.headers["Content-Encoding"] == "gzip"
    async with client.get(MEDIA, headers={"Accept-Encoding": "gzip;q=0"}) as response:
        plain, plain_tag = await response.read(), response.headers["ETag"]
        assert "Content-Encoding" not in response.headers
    assert gzip.decompress(zipped) == plain and zipped_tag != plain_tag
    asked = {"Accept-Encoding": "identity", "If-None-Match": f'"other", W/{plain_tag}'}
    async with client.get(MEDIA, headers=asked) as response:
        assert response.status == 304 and await response.read() == b""
        assert response.headers["ETag"] == plain_tag
    clock.to(8)
    async with client.get(MEDIA, headers=asked) as response:
        assert response.status == 200 and response.headers["ETag"] != plain_tag


async def test_head_says_the_same_without_a_body(vantage: Open):
    client = await vantage()
    for path in (MEDIA, urljoin(MEDIA, (await text(client)).splitlines()[-1])):
        async with client.get(path) as full, client.head(path) as head:
            assert head.status == 200 and await head.read() == b""
            assert head.headers["Content-Length"] == full.headers["Content-Length"]
            assert head.headers["ETag"] == full.headers["ETag"]


async def test_a_segment_lives_for_the_window_and_a_grace_and_is_not_there_before_its_time(
    vantage: Open, clock: Clock
):
    client = await vantage()
    playlist = await text(client)
    first, last = sequence(playlist), int(re.findall(r"seg-(\d+)\.ts", playlist)[-1])

    async def status(number: int) -> int:
        async with client.get(f"/live/uk-sport-1/1080p/seg-{number}.ts") as response:
            return response.status

    assert await status(last) == 200 and await status(last + 1) == 404
    assert await status(first - hls.GRACE) == 200 and await status(first - hls.GRACE - 1) == 404


@pytest.mark.parametrize(
    "path",
    [
        "/live/nosuch/master.m3u8",
        "/live/uk-sport-1/4320p/index.m3u8",
        "/live/uk-sport-1/1080p/seg-x.ts",
        "/live/uk-sport-1/1080p/seg-0.ts",
        "/live/uk-sport-1/1080p/seg-999999999999999999.ts",
        "/",
    ],
)
async def test_what_does_not_exist_is_404(vantage: Open, path: str):
    client = await vantage()
    async with client.get(path) as response:
        assert response.status == 404


async def test_edge_stale_pins_one_rendition_at_three_edges_whose_segments_stay(vantage: Open, clock: Clock):
    edge = await vantage("edge-lhr", "edge-stale")
    fresh_edge, origin = await vantage("edge-iad", "edge-stale"), await vantage("origin", "edge-stale")
    clock.to(20)
    pinned = await text(edge)
    clock.to(199)
    assert await text(edge) == pinned
    assert await text(edge, "/live/uk-sport-1/720p/index.m3u8") != pinned
    for client in (fresh_edge, origin):
        assert sequence(await text(client)) - sequence(pinned) in (44, 45)
    for name in re.findall(r"seg-\d+\.ts", pinned):
        async with edge.get(urljoin(MEDIA, name)) as response:
            assert response.status == 200
    clock.to(201.1)
    assert sequence(await text(edge)) == sequence(await text(origin)) > sequence(pinned)


async def test_bad_deploy_freezes_origin_and_edges_at_one_segment_and_heals_forward(
    vantage: Open, clock: Clock
):
    clients = [await vantage(v.name, "bad-deploy") for v in VANTAGES]
    clock.to(30)
    frozen = {await text(client, "/live/fr-news-1/360p/index.m3u8") for client in clients}
    clock.to(190)
    assert {await text(client, "/live/fr-news-1/360p/index.m3u8") for client in clients} == frozen
    assert len(frozen) == 1
    clock.to(202)
    healed = {await text(client, "/live/fr-news-1/360p/index.m3u8") for client in clients}
    assert len(healed) == 1
    after, before = healed.pop(), frozen.pop()
    # Nothing was published meanwhile, so no number was used; what follows stands behind a discontinuity.
    assert 0 < sequence(after) - sequence(before) <= 2
    assert after.count("#EXT-X-DISCONTINUITY\n") == 1 and "DISCONTINUITY-SEQUENCE" not in after


def test_segments_differ_from_each_other_and_carry_tables_time_and_an_idr():
    bodies = {segment("uk-sport-1", r, n) for r in RENDITIONS for n in range(440_000_000, 440_000_006)}
    assert len(bodies) == 30
    for body in bodies:
        assert body[1:3] == b"\x40\x00" and body[4:7] == b"\x00\x00\xb0"
        assert body[PACKET + 1 : PACKET + 3] == b"\x50\x00"
        assert b"\x00\x00\x00\x01\x65" in body and len(body) % PACKET == 0


def test_pts_of_successive_segments_are_a_target_duration_apart():
    def pts(number: int) -> int:
        body = segment("uk-sport-1", "240p", number)
        at = body.index(b"\x00\x00\x01\xe0") + 9
        a, b, c, d, e = body[at : at + 5]
        assert a >> 4 == 2 and a & c & e & 1
        return (a >> 1 & 7) << 30 | b << 22 | c >> 1 << 15 | d << 7 | e >> 1

    for number in (0, 5, 440_000_000):
        assert pts(number) == number * 4 * 90_000 % 2**33
        assert (pts(number + 1) - pts(number)) % 2**33 == 360_000


def test_rendered_playlists_are_kept_and_their_number_is_bounded(clock: Clock):
    packages = hls.Packages(World(7, "calm", START))
    first = packages.media("uk-sport-1", "1080p", ORIGIN.name, clock.now)
    assert packages.media("uk-sport-1", "1080p", "edge-lhr", clock.now) is first
    for second in range(0, 400, 2):
        clock.to(second)
        packages.media("uk-sport-1", "1080p", ORIGIN.name, clock.now)
    assert len(packages._media["uk-sport-1", "1080p"]) <= 4


async def test_a_slow_segment_begins_at_once_and_ends_late_and_playlists_and_heads_are_as_ever(clock: Clock):
    gate, pauses = asyncio.Event(), []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await gate.wait()

    world = World(7, "cdn-slow", START)
    application = hls.app(world, clock, VANTAGE["edge-nrt"], pause=pause)
    async with TestClient(TestServer(application)) as client:
        clock.to(60)
        path = "/live/in-cricket-1/1080p/index.m3u8"
        newest = urljoin(path, (await text(client, path)).splitlines()[-1])
        expected = hls.Packages(world).segment("in-cricket-1", "1080p", int(re.findall(r"\d+(?=\.ts)", newest)[0]), clock.now)
        async with client.head(newest) as response:
            assert int(response.headers["Content-Length"]) == len(expected)
        for quick in (newest.replace("1080p", "720p"), newest.replace("in-cricket-1", "us-news-1")):
            async with client.get(quick) as response:
                assert response.status in (200, 404) and await response.read()
        assert not pauses
        async with client.get(newest) as response:
            assert response.content_type == "video/mp2t"
            first = await asyncio.wait_for(response.content.readany(), 5)
            assert 0 < len(first) < len(expected) / 4 and len(pauses) == 1
            gate.set()
            assert first + await response.read() == expected
        assert len(pauses) == hls.SLICES - 1 and max(pauses) == pytest.approx(6.0, abs=0.5)
        clock.to(201)
        async with client.get(newest) as response:
            assert await response.read() and len(pauses) == hls.SLICES - 1


def test_a_segment_says_the_codec_and_the_size_that_the_master_says():
    lines = hls.master("uk-sport-1").plain.decode().splitlines()
    said = dict(zip((line.partition("/")[0] for line in lines if not line.startswith("#")),
                    (line for line in lines if line.startswith("#EXT-X-STREAM-INF")), strict=True))
    for rendition in RENDITIONS:
        body = segment("uk-sport-1", rendition, 440_000_000)
        seen = look(body, size=len(body), extinf_s=4.0, is_independent=True)
        width, height = map(int, re.search(r"RESOLUTION=(\d+)x(\d+)", said[rendition]).groups())
        assert (seen.height, seen.codecs.lower()) == (height, re.search(r'CODECS="(.*?)"', said[rendition])[1])
        assert seen.starts_with_key and not seen.remarks and not seen.continuity_errors
        bandwidth = int(re.search(r"BANDWIDTH=(\d+)", said[rendition])[1])
        assert len(body) * 8 / 4 < bandwidth and width > height
