"""nginx-rtmp's page: both forms, what several pages show together, and what is no such page."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from console.model.failure import FailureKind
from console.model.severity import State
from console.sources.access import Access
from console.sources.meter import Meter
from console.sources.nginx_rtmp.page import MAX_BYTES, MAX_DEPTH, read
from console.sources.nginx_rtmp.source import RtmpStatistics, rtmp_source
from tests.console.sources.conftest import Serve, bomb, page
from tests.hand_clock import HandClock

NEW_META = (
    "<meta><video><width>1920</width><height>1080</height><frame_rate>50.000</frame_rate><codec>H264</codec>"
    "<profile>High</profile></video><audio><codec>AAC</codec></audio></meta>"
)
OLD_META = (
    "<meta><width>1920</width><height>1080</height><framerate>50</framerate><video>H264</video><audio>AAC</audio>"
    "<profile>High</profile></meta>"
)


def stat(
    *, id: int = 7, address: str = "192.0.2.7", bytes_in: int = 0, dropped: str = "0", meta: str = NEW_META, name: str = "uk-sport-1",
    publishes: bool = True, stream: bool = True,
) -> bytes:  # fmt: skip
    client = (
        f"<client><id>{id}</id><address>{address}</address><time>500278</time><flashver>FMLE/3.0</flashver>"
        f"<dropped>{dropped}</dropped><avsync>-12</avsync><publishing/><active/></client>"
    )
    player = "<client><id>51</id><address>192.0.2.9</address><dropped>900</dropped><active/></client>"
    body = (
        f"<stream><name>{name}</name><time>500003</time><bw_in>6000000</bw_in><bytes_in>{bytes_in}</bytes_in><bw_out>0</bw_out>"
        f"<bytes_out>0</bytes_out><bw_audio>128000</bw_audio><bw_video>5872000</bw_video>{player}{client if publishes else ''}"
        f"{meta if publishes else ''}<nclients>2</nclients><publishing/><active/></stream>"
    )
    return (
        '<?xml version="1.0" encoding="utf-8" ?>\r\n<?xml-stylesheet type="text/xsl" href="stat.xsl" ?>\r\n<rtmp>'
        "<nginx_version>1.22.1</nginx_version><nginx_rtmp_version>1.1.4</nginx_rtmp_version><pid>13</pid><bw_in>1</bw_in>"
        f"<server><application><name>live</name><live>{body if stream else ''}<nclients>2</nclients></live></application>"
        "<application><name>vod</name><play><stream><name>film</name><nclients>1</nclients></stream></play></application>"
        "</server></rtmp>"
    ).encode()


@pytest.mark.parametrize(("meta", "dropped"), [(NEW_META, "3"), (OLD_META, "2/1")])
def test_both_forms_of_the_page_say_the_same(meta: str, dropped: str) -> None:
    told = read(stat(meta=meta, dropped=dropped))
    (one,) = told.streams
    assert (one.path, one.bw_in_bps, one.bw_video_bps, one.fps, one.codec, one.nclients) == ("live/uk-sport-1", 6e6, 5.872e6, 50, "H264", 2)
    assert one.publisher is not None
    assert (one.publisher.id, one.publisher.address, one.publisher.dropped) == ("7", "192.0.2.7", 3)
    assert told.version == "1.1.4" and not told.is_cut


async def test_rates_are_counted_from_bytes_and_a_publisher_that_comes_back_is_a_reconnect(clock: HandClock, meter: Meter) -> None:
    server = RtmpStatistics("rtmp-1", Access(urls=("http://127.0.0.1:9/stat",)), clock, meter)
    for n in range(5):
        (one,) = server.heard(read(stat(bytes_in=n * 3_750_000, dropped=str(n * 10))), clock.now())
        await clock.advance(5)
    assert one.values == {
        "publishers": 1, "reconnects": 0, "ingest_bps": pytest.approx(6e6), "fps_declared": 50, "dropped_fps": pytest.approx(2),
    }  # fmt: skip
    assert (one.name, one.place, one.protocol) == ("live/uk-sport-1", "rtmp-1", "rtmp")
    (one,) = server.heard(read(stat(bytes_in=0, id=8)), clock.now())  # nginx itself would tell no rate for ten seconds
    assert one.values["reconnects"] == 1 and one.values["ingest_bps"] == 6e6 and "dropped_fps" not in one.values
    await clock.advance(301)
    (one,) = server.heard(read(stat(bytes_in=9, id=8)), clock.now())
    assert one.values["reconnects"] == 0, "five minutes are over"


@pytest.mark.parametrize("gone", [stat(stream=False), stat(publishes=False)])
async def test_a_stream_that_was_published_and_is_not_any_more_has_no_publisher_for_ten_minutes(
    clock: HandClock, meter: Meter, gone: bytes
) -> None:
    server = RtmpStatistics("rtmp-1", Access(urls=("http://127.0.0.1:9/stat",)), clock, meter)
    told = server.heard(read(gone), clock.now())
    assert all(one.values == {} for one in told), "of a stream that was never published nothing is known"
    server.heard(read(stat()), clock.now())
    await clock.advance(5)
    (one,) = server.heard(read(gone), clock.now())
    assert one.values == {"publishers": 0, "reconnects": 0}
    await clock.advance(5)
    (one,) = server.heard(read(stat(id=9)), clock.now())
    assert one.values["publishers"] == 1 and one.values["reconnects"] == 1
    await clock.advance(601)
    assert not [one for one in server.heard(read(stat(stream=False)), clock.now()) if one.values]


async def test_the_page_is_asked_and_what_is_no_page_is_told_as_such(serve: Serve, clock: HandClock, meter: Meter) -> None:
    answers = [stat(), b"<?xml version='1.0'?><html/>", b"<?xml version='1.0'?><rtmp><server>", b'{"not": "xml"}']

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=answers.pop(0), content_type="text/xml")

    readings = rtmp_source("ingest.rtmp-1", "rtmp-1", Access(urls=(f"{await serve(answer)}/stat",)), clock, meter).readings()
    reading = await anext(readings)
    assert reading.state is State.LIVE and reading.value is not None and len(reading.value.streams) == 1
    for said in ("no page of nginx-rtmp's statistics", "no XML: no element found", "no XML: not well-formed"):
        task = asyncio.ensure_future(anext(readings))
        while not task.done():
            await clock.advance(1)
            await asyncio.sleep(0.002)
        reading = task.result()
        assert reading.state is State.ERROR and reading.error is not None
        assert reading.error.kind is FailureKind.BAD_ANSWER and said in reading.error.got, reading.error.got
    await readings.aclose()


@pytest.mark.parametrize("answer", [page(), bomb()])
async def test_a_login_page_and_a_bomb_are_refused(serve: Serve, clock: HandClock, meter: Meter, answer) -> None:
    readings = rtmp_source("ingest.x", "x", Access(urls=(await serve(answer),)), clock, meter).readings()
    reading = await anext(readings)
    await readings.aclose()
    assert reading.error is not None and reading.error.kind in (FailureKind.BAD_ANSWER, FailureKind.TOO_LARGE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'<!DOCTYPE rtmp [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><rtmp>&b;</rtmp>', "DOCTYPE"),
        (b'<!DOCTYPE rtmp SYSTEM "file:///etc/passwd"><rtmp/>', "DOCTYPE"),
        (b"<rtmp>" + b"<a>" * (MAX_DEPTH + 1), "nested deeper"),
        (b"<rtmp>" + b" " * MAX_BYTES, "the limit is"),
        (b"<rtmp>&undefined;</rtmp>", "no XML"),
        (b"", "no XML"),
    ],
)
def test_what_would_expand_or_never_end_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(content)


def test_a_hostile_name_is_cleaned_and_numbers_that_are_none_are_none() -> None:
    told = read(
        b"<rtmp><server><application><name>live</name><live><stream><name>a\xe2\x80\xaeb&lt;</name><bw_in>NaN</bw_in>"
        b"<bytes_in>-5</bytes_in><meta><video><frame_rate>inf</frame_rate></video></meta></stream><stream/></live></application>"
        b"</server></rtmp>"
    )
    (one,) = told.streams
    assert one.name == "ab<" and one.bw_in_bps is None and one.bytes_in is None and one.fps is None


PIECES = st.sampled_from(
    ["<rtmp>", "</rtmp>", "<live>", "</live>", "<stream>", "</stream>", "<client>", "</client>", "<name>x</name>", "<publishing/>", "<meta>",
     "</meta>", "<video>", "</video>", "<application>", "</application>", "<dropped>1/2/x</dropped>", "&lt;", "text", "<!---->", "\x00", "<"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30), st.binary(max_size=40))
def test_whatever_is_answered_is_a_page_or_a_reason(pieces: list[str], noise: bytes) -> None:
    for content in ("".join(pieces).encode(), noise, b"<rtmp>" + "".join(pieces).encode() + b"</rtmp>"):
        try:
            told = read(content)
        except ValueError as error:
            assert str(error)
        else:
            assert all(one.name for one in told.streams)
