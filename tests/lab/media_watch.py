"""A console that watches the shows of `media_shows.py`: the real prober process, the judge as the screen has it, and all that
was said, kept as a story.

Every segment of every rendition is fetched whole, at every place: what is said to be well must have been looked at.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from console.assembly import Engine
from console.config.probing import Probing, SegmentPolicy
from console.config.root import Config
from console.config.site import Channels, Site
from console.feeds.clock import SystemClock
from console.feeds.streams import PROBER
from console.judge import history
from console.judge.history import History
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.observation import Asked, Outcome, ProbeBatch, SegmentFacts
from console.model.reading import Reading
from console.model.severity import Severity
from console.rows import streams

SITE = "media"
LOOK_EVERY_S = 0.05
Place = tuple[str, str, str | None]  # channel, vantage, rendition


class MediaWatch:
    """What was asked and what was said, since the begin."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self.channels = channels
        self.verdicts: dict[str, ChannelVerdict] = {}
        self.polls: Counter[str] = Counter()  # playlists and MPDs that answered, by channel
        self.failed: list[str] = []  # answers that were none
        self.segments: Counter[Place] = Counter()  # fetched whole and understood: its duration and its first picture are known
        self.unread: list[str] = []  # fetched, and not understood
        self.looks = 0
        self.late_s = 0.0  # the prober's own lateness, the worst it told
        self._stories: dict[str, History] = {}

    def told(self, channel: str) -> tuple[Finding, ...]:
        """Everything that was said of a channel, over or not."""
        return self._stories.get(channel, History()).findings

    def lasting(self, channel: str) -> tuple[Finding, ...]:
        """What is said of it now."""
        verdict = self.verdicts.get(channel)
        return verdict.findings if verdict is not None else ()

    def is_well(self) -> bool:
        """All channels: settled and OK. Silence of a judge who is still warming up is no praise."""
        return len(self.verdicts) == len(self.channels) and all(
            one.is_settled and one.severity is Severity.OK and one.renditions_ok == one.renditions_expected
            for one in self.verdicts.values()
        )

    async def until(self, what: str, holds: Callable[[], bool], within_s: float) -> float:
        """When it first held, seconds of the wall clock; fails with what was said instead."""
        end = time.monotonic() + within_s
        while not holds():
            if time.monotonic() >= end:
                told = [
                    (one.channel, one.severity.value, one.reason, [sentence(finding) for finding in self.told(one.channel)])
                    for one in self.verdicts.values()
                ]
                pytest.fail(f"not {what} within {within_s:.1f} s: {told} {self.failed[-10:]}")
            await asyncio.sleep(LOOK_EVERY_S)
        return time.time()

    def look(self, verdicts: dict[str, ChannelVerdict]) -> None:
        self.looks += 1
        for name, verdict in verdicts.items():
            self.verdicts[name] = verdict
            self._stories[name], _ = history.step(self._stories.get(name, History()), verdict)

    def take(self, readings: Sequence[Reading[ProbeBatch]]) -> None:
        for batch in (one.value for one in readings):
            if batch is None:
                continue
            if batch.heartbeat is not None:
                self.late_s = max(self.late_s, batch.heartbeat.poll_lag_s, batch.heartbeat.loop_lag_s)
            for seen in batch.observations:
                if seen.outcome is not Outcome.OK:
                    self.failed.append(f"{seen.channel} {seen.vantage} {seen.asked} {seen.url} {seen.status} {seen.detail}")
                elif seen.asked in (Asked.MASTER, Asked.MEDIA):
                    self.polls[seen.channel] += 1
                elif seen.asked is Asked.SEGMENT and seen.segment is not None and seen.segment.left_s is None:
                    if is_understood(seen.segment):
                        self.segments[seen.channel, seen.vantage, seen.rendition] += 1
                    else:
                        self.unread.append(f"{seen.channel} {seen.vantage} {seen.segment}")


def is_understood(segment: SegmentFacts) -> bool:
    """Every byte was read, and what it holds is known; a picture's first frame too."""
    is_begun = segment.height is None or segment.starts_with_key is not None
    return bool(segment.is_whole and segment.duration_s and segment.codecs) and is_begun


def sentence(finding: Finding) -> str:
    """A finding in one line."""
    what = f"{finding.severity} {finding.code} [{finding.layer}] {finding.rendition} at {places(finding)}"
    return f"{what}: {finding.reason} {finding.evidence}"


def places(finding: Finding) -> list[str]:
    """Where it shows."""
    told = finding.evidence.get("vantages")
    return told if isinstance(told, list) else [finding.vantage] if finding.vantage is not None else []


@asynccontextmanager
async def media_watch(channels: Sequence[Channel]) -> AsyncIterator[MediaWatch]:
    """Watches inside; the prober is ended afterwards."""
    probe = Probing(segments=SegmentPolicy.ALL)
    config = Config(sites={SITE: Site(channels=Channels(inline=tuple(channels)), probe=probe)})
    engine = Engine(SITE, config.sites[SITE], config, SystemClock(), {})
    watching, wake = MediaWatch(channels), asyncio.Event()
    seat, probed = engine.desk.sit(streams.VIEW, wake), engine.hub.subscribe(PROBER, wake, every=True)

    async def follow() -> None:
        while True:
            await wake.wait()
            wake.clear()
            watching.take(probed.take())
            value = seat.reading.value if seat.reading is not None else None
            if value is not None:
                watching.look(value.verdicts)

    following = asyncio.create_task(follow())
    try:
        yield watching
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        seat.close()
        probed.close()
        await engine.close()
