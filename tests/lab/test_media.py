"""Real media: what ffmpeg packages and nginx serves, watched by the console's own prober and judge.

An encoder that nothing ails must never be said to ail, in any of three packagings, at an origin and two edges, with every
segment fetched and read. Then five things go wrong, one after another and side by side, each of which must be found in time and
named: code, layer, rendition and place; and of the shows beside it nothing may be said.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import pytest_asyncio

from console.model.finding import Finding
from console.model.severity import Severity
from tests.lab.media_shows import LADDER, SEGMENT_S, SHOWS, Platform, missing, platform
from tests.lab.media_watch import MediaWatch, media_watch, places, sentence
from tests.lab.proof import figure, record

PLACES = 3  # an origin and two edges
PERIOD_S = 1.0  # P: a playlist is asked every T/2, at least a second
SLACK_S = 2.5  # what a busy machine of two cores may add, and the half second in which the judge gathers its news
STALE_WARN_S, STALE_CRIT_S = 1.5 * SEGMENT_S, 3.0 * SEGMENT_S
MPD_WARN_S, MPD_CRIT_S = SEGMENT_S + 2.0 * SEGMENT_S, SEGMENT_S + 3.0 * SEGMENT_S  # past minimumUpdatePeriod, which is a segment
SOUND = "audio-audio_0"  # as the fMP4 show's master tells it
SKEW_S = 5 * SEGMENT_S  # how far the skewed edge is behind: past three target durations

pytestmark = [
    pytest.mark.skipif(bool(missing()), reason=f"missing: {', '.join(missing())} (tests/lab/packages.txt)"),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(900),
]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def on_air(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    with platform(tmp_path_factory.mktemp("media")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def watching(on_air: Platform) -> AsyncIterator[MediaWatch]:
    async with media_watch(on_air.channels()) as opened:
        await opened.until("well at first", opened.is_well, 20)
        yield opened


@pytest.mark.parametrize(
    "minutes", [pytest.param(1, marks=pytest.mark.lab), pytest.param(10, marks=pytest.mark.proof)], ids=["minute", "ten"]
)
async def test_three_healthy_packagings_are_watched_without_one_finding(
    on_air: Platform, watching: MediaWatch, minutes: int
) -> None:
    length_s, cpu, began = minutes * 60.0, on_air.cpu_s(), time.monotonic()
    true: dict[tuple[str, ...], str] = {}  # what the files confirm: on a machine that was starved ffmpeg itself came late
    longest_s = 0.0
    while time.monotonic() - began < length_s:
        waits_s = {name: on_air.longest_wait_s(name) for name in SHOWS}
        longest_s = max(longest_s, *waits_s.values())
        for name in SHOWS:
            for one in watching.told(name):
                limit_s = {"STALE": STALE_WARN_S, "DASH_MPD_STALE": MPD_WARN_S}.get(one.code, float("inf"))
                if one.key not in true:
                    assert waits_s[name] >= limit_s, f"{sentence(one)}; by its files the longest wait was {waits_s[name]:.2f} s"
                    true[one.key] = sentence(one)
        await asyncio.sleep(0.2)

    took_s = time.monotonic() - began
    spent = {name: (after - cpu[name]) / took_s for name, after in on_air.cpu_s().items()}
    assert watching.is_well() or true, watching.verdicts
    assert watching.failed == [] and watching.unread == []
    expected = {"ts": set(LADDER), "fmp4": {*LADDER, SOUND}, "dash": set(LADDER)}
    for name, renditions in expected.items():
        assert renditions <= {rendition for show, _, rendition in watching.segments if show == name}
    least = min(watching.segments.values())
    rungs = len(watching.segments)
    label = "minute" if minutes == 1 else "ten-minutes"
    record(
        f"media-{label}",
        f"{minutes} min of ffmpeg's HLS (TS), HLS (fMP4) and DASH at an origin and two edges, every segment read: no finding",
        figure("false findings", sum(one.key not in true for name in SHOWS for one in watching.told(name)), "findings", most=0),
        figure("true ones, ffmpeg itself being late by its files", len(true), "findings"),
        figure("longest wait between two segments, by their files", longest_s, "s"),
        figure("polls", sum(watching.polls.values()), "playlists and MPDs", least=length_s / PERIOD_S * 8 * PLACES * 0.8),
        figure("segments read", sum(watching.segments.values()), "segments", least=0.9 * rungs * length_s / SEGMENT_S),
        figure("segments read of the rendition with the fewest", least, "segments", least=length_s / SEGMENT_S - 3),
        figure("renditions at places", rungs, "renditions", least=11 * PLACES, most=11 * PLACES),
        figure("looks", watching.looks, "looks", least=length_s),
        figure("the prober late by", watching.late_s, "s"),
        figure("ffmpeg", spent["ffmpeg"], "cores", most=0.6),
        figure("nginx", spent["origin"] + spent["edges"], "cores"),
    )


Named = Callable[[Finding], bool]


def named(
    code: str, layer: str, rendition: str | None = None, at: set[str] | None = None, severity: Severity | None = None
) -> Named:
    """Whether a finding says so; `at`: exactly these places."""

    def is_named(one: Finding) -> bool:
        is_so = (one.code, one.layer.value, one.rendition) == (code, layer, rendition)
        return is_so and (at is None or set(places(one)) == at) and (severity is None or one.severity is severity)

    return is_named


def says(watching: MediaWatch, show: str, *wanted: Named) -> Callable[[], bool]:
    """Whether each of these is said of a show now."""
    return lambda: all(any(one(finding) for finding in watching.lasting(show)) for one in wanted)


def others(watching: MediaWatch, show: str, *allowed: Named) -> list[str]:
    """What was said of a show beside what had to be."""
    return [sentence(finding) for finding in watching.told(show) if not any(one(finding) for one in allowed)]


@pytest.mark.lab
async def test_a_stopped_encoder_is_named_in_every_packaging_and_heals(on_air: Platform, watching: MediaWatch) -> None:
    renditions = {"ts": tuple(LADDER), "fmp4": (*LADDER, SOUND)}
    stale = {show: [named("STALE", "package", one) for one in names] for show, names in renditions.items()}
    stale["dash"] = [named("DASH_MPD_STALE", "package")]
    crit = {show: [named("STALE", "package", one, severity=Severity.CRIT) for one in names] for show, names in renditions.items()}
    crit["dash"] = [named("DASH_MPD_STALE", "package", severity=Severity.CRIT)]
    with on_air.encoder_held():
        warned, worst = {}, {}

        async def found(show: str) -> None:
            told = on_air.live(show, "manifest.mpd" if show == "dash" else "360p.m3u8")
            published = told.stat().st_mtime
            seen = await watching.until(f"{show} stale", says(watching, show, *stale[show]), 15)
            warned[show] = seen - published
            seen = await watching.until(f"{show} CRIT", says(watching, show, *crit[show]), 12)
            worst[show] = seen - published

        await asyncio.gather(*(found(show) for show in SHOWS))
    went_on = time.time()
    healed = await watching.until("well again", watching.is_well, 15)
    for show in SHOWS:
        assert others(watching, show, *stale[show]) == []
    late = 3 * PERIOD_S + SLACK_S
    record(
        "media-encoder",
        "SIGSTOP of ffmpeg: STALE of every HLS rendition and DASH_MPD_STALE, layer package, nothing else; SIGCONT heals",
        figure("HLS (TS) WARN", warned["ts"], "s", least=STALE_WARN_S, most=STALE_WARN_S + late),
        figure("HLS (TS) CRIT", worst["ts"], "s", least=STALE_CRIT_S, most=STALE_CRIT_S + late),
        figure("HLS (fMP4) WARN", warned["fmp4"], "s", least=STALE_WARN_S, most=STALE_WARN_S + late),
        figure("HLS (fMP4) CRIT", worst["fmp4"], "s", least=STALE_CRIT_S, most=STALE_CRIT_S + late),
        figure("DASH WARN", warned["dash"], "s", least=MPD_WARN_S, most=MPD_WARN_S + late),
        figure("DASH CRIT", worst["dash"], "s", least=MPD_CRIT_S, most=MPD_CRIT_S + late),
        figure("healed after SIGCONT", healed - went_on, "s", most=10.0),
    )


@pytest.mark.lab
async def test_a_dropped_rendition_a_corrupted_segment_a_frozen_playlist_and_a_skewed_edge_are_each_named(
    on_air: Platform, watching: MediaWatch
) -> None:
    dropped = named("LADDER_SHRUNK", "package", "240p")
    corrupted = named("SEG_BAD", "transcode", "360p", severity=Severity.CRIT)
    frozen = [named("STALE", "package", one) for one in LADDER]
    skewed = [named("EDGE_SKEW", "edge", one, {"edge-b"}, Severity.WARN) for one in LADDER]
    late = [named("LATENCY", "edge", one, {"edge-b"}, Severity.WARN) for one in LADDER]  # of an edge that stays behind
    async with Past(on_air, "ts", [f"{name}.m3u8" for name in LADDER]) as past:
        # one show each, and the third is the control
        on_air.put("held", "ts", "master.m3u8", without(on_air.live("ts", "master.m3u8").read_text(), "240p").encode())
        cut = time.time()
        number = spoil_next(on_air, "fmp4", "360p")
        ladder, segment = await asyncio.gather(
            watching.until("the rung missed", says(watching, "ts", dropped), 12),
            watching.until("the segment found bad", says(watching, "fmp4", corrupted), 15),
        )
        published = on_air.live("fmp4", f"360p_{number}.m4s").stat().st_mtime
        assert others(watching, "ts", dropped) == []
        assert others(watching, "fmp4", corrupted) == []
        assert others(watching, "dash") == [], "the control"

        on_air.heal()
        await watching.until("the next segments found good", lambda: not watching.lasting("fmp4"), 15)
        # a window that is still filling begins with the same number in every copy
        await watching.until("a past to replay", lambda: past.is_deep(SKEW_S) and first_number(on_air, "ts") >= 6, 40)
        for name in LADDER:
            on_air.put("held", "fmp4", f"{name}.m3u8", on_air.live("fmp4", f"{name}.m3u8").read_bytes())
        shown = max(on_air.live("fmp4", f"{name}.m3u8").stat().st_mtime for name in LADDER)
        async with past.replayed("edge-b", SKEW_S):
            skew = time.time()
            stale, behind = await asyncio.gather(
                watching.until("the frozen playlists found", says(watching, "fmp4", *frozen), 15),
                watching.until("the skewed edge found", says(watching, "ts", *skewed), 15),
            )
            assert others(watching, "ts", dropped, *skewed, *late) == []
            assert others(watching, "fmp4", corrupted, *frozen) == []
            assert others(watching, "dash") == [], "the control"
        on_air.heal()
    healed = time.time()
    # that an edge went back is told for half a minute; what stood still heals with its next segment
    well = await watching.until("moving again", lambda: not watching.lasting("fmp4"), 15)
    assert others(watching, "ts", dropped, *skewed, *late) == []
    assert others(watching, "fmp4", corrupted, *frozen) == []
    assert others(watching, "dash") == [], "the control"
    record(
        "media-faults",
        "real shows spoilt: each fault named by code, layer, rendition and place, and of the shows beside it nothing said",
        figure("LADDER_SHRUNK after a rung was cut from the master", ladder - cut, "s", most=4 * SEGMENT_S + SLACK_S),
        figure("SEG_BAD after the segment was published", segment - published, "s", most=3 * PERIOD_S + SLACK_S),
        figure("STALE after the last playlist", stale - shown, "s", least=STALE_WARN_S, most=STALE_WARN_S + 3 * PERIOD_S + SLACK_S),
        figure("EDGE_SKEW after the edge went back", behind - skew, "s", most=3 * PERIOD_S + SLACK_S),
        figure("no longer STALE after the playlists went on", well - healed, "s", most=10.0),
    )


def first_number(on_air: Platform, show: str) -> int:
    """MEDIA-SEQUENCE of the best rung."""
    found = re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", on_air.live(show, "360p.m3u8").read_text())
    return int(found[1]) if found is not None else 0


def without(master: str, name: str) -> str:
    """A master without one rung."""
    return re.sub(rf"#EXT-X-STREAM-INF[^\n]*\n{name}[.]m3u8\n", "", master)


def spoil_next(on_air: Platform, show: str, name: str) -> int:
    """The segment after the one that is being written will be half zeros wherever it is asked for: its number."""
    told = re.findall(rf"{name}_(\d+)[.]m4s", on_air.live(show, f"{name}.m3u8").read_text())
    number = int(told[-1]) + 2
    body = on_air.live(show, f"{name}_{told[-1]}.m4s").read_bytes()
    half = len(body) // 2
    on_air.put("held", show, f"{name}_{number}.m4s", body[:half] + bytes(len(body) - half))
    return number


class Past:
    """What a show's documents were, kept while it is open, so that an edge can serve them later than they are."""

    def __init__(self, on_air: Platform, show: str, names: list[str]) -> None:
        self._on_air, self._show = on_air, show
        self._kept: dict[str, deque[tuple[float, bytes]]] = {name: deque(maxlen=64) for name in names}

    async def __aenter__(self) -> Past:
        self._task = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        await ended(self._task)

    def is_deep(self, late_s: float) -> bool:
        return all(kept and kept[0][0] <= time.time() - late_s for kept in self._kept.values())

    @asynccontextmanager
    async def replayed(self, edge: str, late_s: float) -> AsyncIterator[None]:
        """Inside, this edge gives the copies of so long ago, which go on as the live ones do."""
        self._put(edge, late_s)
        task = asyncio.create_task(self._go_on(edge, late_s))
        try:
            yield
        finally:
            await ended(task)

    async def _keep(self) -> None:
        while True:
            for name, kept in self._kept.items():
                file = self._on_air.live(self._show, name)
                at = file.stat().st_mtime
                if not kept or kept[-1][0] != at:
                    kept.append((at, file.read_bytes()))
            await asyncio.sleep(0.1)

    async def _go_on(self, edge: str, late_s: float) -> None:
        while True:
            await asyncio.sleep(0.1)
            self._put(edge, late_s)

    def _put(self, edge: str, late_s: float) -> None:
        for name, kept in self._kept.items():
            body = [body for at, body in kept if at <= time.time() - late_s][-1]
            self._on_air.put(edge, self._show, name, body)


async def ended(task: asyncio.Task[None]) -> None:
    """Its own fault is told, its end by us is none."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
