"""A channel that is gone for a while and comes back: numbers without a hole, dates with one, and a discontinuity between."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from console.demo.hls import GRACE, WINDOW, Packages
from console.demo.timeline import HOLES_KEPT, Timeline
from console.demo.transport_stream import segment
from console.demo.world.names import RENDITIONS, VANTAGES
from console.demo.world.scenario import GONE_S
from console.demo.world.world import World

START = datetime(2026, 3, 4, 2, 30, tzinfo=UTC)
FLAPPING = "in-cricket-1"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


class Entry(NamedTuple):
    number: int
    date: datetime
    is_break: bool


def entries(text: str) -> list[Entry]:
    first = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)[1])
    found, is_break = [], False
    for line in text.splitlines():
        if line == "#EXT-X-DISCONTINUITY":
            is_break = True
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME:"):
            found.append(Entry(first + len(found), datetime.fromisoformat(line.split(":", 1)[1]), is_break))
            is_break = False
    assert [f"seg-{one.number}.ts" for one in found] == [line for line in text.splitlines() if not line.startswith("#")]
    return found


def breaks_before(text: str) -> int:
    found = re.search(r"#EXT-X-DISCONTINUITY-SEQUENCE:(\d+)", text)
    return int(found[1]) if found else 0


@pytest.mark.parametrize(("scenario", "channel", "breaks"), [
    ("encoder-flap", FLAPPING, 5), ("bad-deploy", "fr-news-1", 1), ("node-lost", "uk-sport-1", 1), ("calm", FLAPPING, 0),
    ("encoder-flap", "kr-drama-1", 0), ("node-lost", "fr-news-1", 0),
])  # fmt: skip
def test_the_sequence_goes_on_and_the_date_jumps_with_a_discontinuity(scenario: str, channel: str, breaks: int) -> None:
    world = World(7, scenario, START)
    packages = Packages(world)
    seen: dict[int, Entry] = {}
    before: list[Entry] = []
    for half in range(0, 600, 3):
        text = packages.media(channel, "720p", "origin", at(half / 2)).plain.decode()
        now = entries(text)
        assert len(now) == WINDOW
        if before:
            assert 0 <= now[0].number - before[0].number <= 2
        for one in now:
            assert seen.setdefault(one.number, one) == one, "a published segment never changes"
        assert breaks_before(text) == sum(one.is_break for one in seen.values() if one.number < now[0].number)
        before = now
    for one, following in itertools.pairwise(seen[number] for number in sorted(seen)):
        jump_s = (following.date - one.date).total_seconds()
        assert following.number == one.number + 1
        assert jump_s > 12 if following.is_break else jump_s == 4
    assert sum(one.is_break for one in seen.values()) == breaks
    assert packages.newest(channel, at(300)) == max(seen)


def test_no_rendition_grows_anywhere_while_the_encoder_is_gone_and_the_dates_are_of_now_when_it_is_back() -> None:
    world = World(7, "encoder-flap", START)
    packages = Packages(world)
    fault = world.last("encoder-flap", at(30))
    assert fault is not None
    spells = world.spells(fault, FLAPPING)
    assert len(spells) == 5 and spells[0][0] == fault.start and spells[-1][1] == fault.end == at(200)
    for gone, back in spells:
        assert (back - gone).total_seconds() == GONE_S
        late = gone + timedelta(seconds=1)
        for vantage, rendition in itertools.product((v.name for v in VANTAGES), RENDITIONS):
            first = packages.media(FLAPPING, rendition, vantage, late)
            assert packages.media(FLAPPING, rendition, vantage, back + timedelta(seconds=3.9)).plain == first.plain
        again = entries(packages.media(FLAPPING, "1080p", "origin", back + timedelta(seconds=9)).plain.decode())
        assert any(one.is_break and back <= one.date < back + timedelta(seconds=4) for one in again)
        assert world.ingest_bps(FLAPPING, late) == 0.0 < world.ingest_bps(FLAPPING, back)
        assert world.ingest_bps("kr-drama-1", late) > 0
    assert world.ingest_reconnects_total(FLAPPING, at(19)) == 0
    assert world.ingest_reconnects_total(FLAPPING, at(200)) == 5


def test_every_listed_segment_can_be_had_and_says_the_time_of_its_place_on_the_wall_clock() -> None:
    packages = Packages(World(7, "encoder-flap", START))
    base: float | None = None
    for second in range(0, 300, 11):
        t = at(second)
        for one in entries(packages.media(FLAPPING, "240p", "edge-nrt", t).plain.decode()):
            assert packages.has(FLAPPING, "240p", one.number, "edge-nrt", t)
            body = packages.segment(FLAPPING, "240p", one.number, t)
            place = body.index(b"\x00\x00\x01\xe0") + 9
            a, b, c, d, e = body[place : place + 5]
            ticks = (a >> 1 & 7) << 30 | b << 22 | c >> 1 << 15 | d << 7 | e >> 1
            off = (one.date.timestamp() - ticks / 90_000) % (2**33 / 90_000)
            base = off if base is None else base
            assert off == pytest.approx(base, abs=1e-3)
        newest = packages.newest(FLAPPING, t)
        assert not packages.has(FLAPPING, "240p", newest + 1, "origin", t)
        assert not packages.has(FLAPPING, "240p", newest - WINDOW - GRACE, "origin", t)


def test_a_segment_is_the_same_bytes_before_and_after_a_break() -> None:
    packages = Packages(World(7, "encoder-flap", START))
    number = packages.newest(FLAPPING, at(18))
    first = packages.segment(FLAPPING, "360p", number, at(18))
    assert first == segment(FLAPPING, "360p", number)
    assert packages.segment(FLAPPING, "360p", number, at(45)) == first


def test_a_channel_of_a_lost_node_goes_on_when_another_publishes_it_and_not_before() -> None:
    world = World(7, "node-lost", START)
    packages = Packages(world)
    fault = world.last("node-lost", at(30))
    assert fault is not None
    frozen = packages.newest("uk-news-1", at(20))
    assert packages.newest("uk-news-1", at(94)) == frozen
    world.resume(fault, "uk-news-1", at(94))
    assert packages.newest("uk-news-1", at(94)) == frozen + 1
    assert packages.newest("uk-news-1", at(134)) == frozen + 11
    other = packages.newest("uk-sport-1", at(20))
    assert packages.newest("uk-sport-1", at(199.9)) == other == packages.newest("uk-sport-1", at(200)) - 1
    world.resume(fault, "uk-news-1", at(150))
    assert world.over_at(fault, "uk-news-1") == at(94), "only the first time counts"


def test_what_is_kept_of_the_holes_is_bounded_and_the_numbers_go_on() -> None:
    world = World(7, "cycle", START)
    line = Timeline(world, FLAPPING, 0.0, 0.2)
    day = at(86_400)
    stepwise = None
    for minute in range(0, 1441, 4):
        stepwise = line.sequence(line.newest(at(60 * minute)), at(60 * minute))
    assert len(line._holes) <= HOLES_KEPT
    fresh = Timeline(World(7, "cycle", START), FLAPPING, 0.0, 0.2)
    assert fresh.sequence(fresh.newest(day), day) == stepwise
    slots = fresh.slots(fresh.newest(day), WINDOW, day)
    assert [fresh.slot_of(fresh.sequence(slot, day), day) for slot in slots] == slots
    assert fresh.breaks(slots[0], day) == 45 * 5, "forty-five turns of a day, five breaks each"
