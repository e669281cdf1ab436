"""The short way for a channel that is well gives the verdict that the checks would give, at every step of any night."""

from __future__ import annotations

import random
from datetime import timedelta

import msgspec
import pytest

from console.judge import calm
from console.judge.stream import step
from console.model.channel import Window
from console.model.observation import Heartbeat, Observation, Outcome, SegmentFacts
from console.model.remark import Remark
from console.model.severity import Severity
from tests.console.judge.night import LADDER, START, Night, Reply, World, channel, instant

KINDS = (
    "frozen", "slow_encoder", "failing", "old_copy", "restarted", "ended", "short_ladder", "remark", "event", "missing_segment",
    "slow_segment", "other_target", "lossy",
)  # fmt: skip


class Trouble(msgspec.Struct, frozen=True):
    kind: str
    begin: float
    end: float
    vantage: str | None  # None: everywhere
    rendition: str | None


class Troubled(World):
    """Any mixture of troubles, each of some vantage and rendition for a while."""

    def __init__(self, troubles: list[Trouble], seed: int) -> None:
        super().__init__(seed=seed)
        self.troubles = troubles

    def _of(self, kind: str, vantage: str, rendition: str | None, t: float) -> Trouble | None:
        return next(
            (
                one
                for one in self.troubles
                if one.kind == kind and one.begin <= t < one.end and one.vantage in (None, vantage) and one.rendition in (None, rendition)
            ),
            None,
        )

    def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
        if self._of("failing", vantage, rendition, t):
            return Reply(Outcome.HTTP, 503, detail="503 Service Unavailable")
        if self._of("lossy", vantage, rendition, t) and self.rng.random() < 0.2:
            return Reply(Outcome.TIMEOUT, None, detail="no answer within 4 s", elapsed_s=1.0)
        if self._of("old_copy", vantage, rendition, t):
            return msgspec.structs.replace(self.at_origin(rendition, t - 22), age_header_s=1.0)
        frozen = self._of("frozen", vantage, rendition, t)
        reply = super().reply(vantage, rendition, frozen.begin if frozen and rendition is not None else t)
        if self._of("remark", vantage, rendition, t):
            reply = msgspec.structs.replace(reply, remarks=(Remark("GAP", 0.3, "a third is gaps"),))
        if self._of("event", vantage, rendition, t) and self.rng.random() < 0.3:
            reply = msgspec.structs.replace(reply, remarks=(Remark("MUTATED", 1.0, "segment 3 is another", is_event=True),))
        media = reply.media
        if media is None:
            return reply
        if self._of("slow_encoder", vantage, rendition, t) and media.newest_ends_at is not None:
            media = msgspec.structs.replace(media, newest_ends_at=media.newest_ends_at - timedelta(seconds=25))
        if self._of("restarted", vantage, rendition, t):
            low = media.newest_sequence % 97
            media = msgspec.structs.replace(media, media_sequence=low, newest_sequence=low + media.segment_count - 1)
        if self._of("ended", vantage, rendition, t):
            media = msgspec.structs.replace(media, has_endlist=True)
        if self._of("other_target", vantage, rendition, t):
            media = msgspec.structs.replace(media, target_duration_s=5.0)
        return msgspec.structs.replace(reply, media=media)

    def ladder(self, t: float) -> tuple[str, ...]:
        return LADDER[1:] if self._of("short_ladder", "origin", None, t) else LADDER

    def segment(self, vantage: str, t: float) -> Reply:
        if self._of("missing_segment", vantage, LADDER[0], t):
            return Reply(Outcome.HTTP, 404, detail="404 Not Found")
        return super().segment(vantage, t)

    def segment_facts(self, vantage: str, sequence: int, t: float) -> SegmentFacts:
        facts = super().segment_facts(vantage, sequence, t)
        slow = self._of("slow_segment", vantage, LADDER[0], t)
        return msgspec.structs.replace(facts, transfer_s=1.2 * self.target_s) if slow else facts


class Doubled(Night):
    """Every step is taken both ways, from the same memory."""

    short = 0
    full = 0

    def _step(self, t: float, seen: tuple[Observation, ...], heartbeat: Heartbeat | None) -> None:
        before = self.memory
        ours = step(before, seen, heartbeat, instant(t))
        checked = step(msgspec.structs.replace(before, calm=None), seen, heartbeat, instant(t))
        assert ours.verdict == checked.verdict, t
        assert ours.deadline_mono == checked.deadline_mono, t
        assert msgspec.structs.replace(ours.memory, calm=None) == msgspec.structs.replace(checked.memory, calm=None), t
        is_short = ours.memory.calm is not None and ours.memory.calm is before.calm
        self.short += is_short
        self.full += not is_short
        super()._step(t, seen, heartbeat)


def troubles_of(chance: random.Random, length_s: float, vantages: tuple[str, ...]) -> list[Trouble]:
    found = []
    for _ in range(chance.randrange(4)):
        begin = chance.uniform(5, length_s)
        vantage = chance.choice((None, *vantages))
        rendition = chance.choice((None, *LADDER))
        found.append(Trouble(chance.choice(KINDS), begin, begin + chance.uniform(2, 50), vantage, rendition))
    return found


@pytest.mark.parametrize("seed", range(14))
def test_a_night_is_told_alike_both_ways(seed: int):
    chance, length_s = random.Random(seed), 100.0
    watched = channel(edges=chance.choice(((), ("lhr",), ("lhr", "syd"))), origin=chance.random() < 0.8 or seed == 0)
    if not watched.vantages:
        watched = channel(edges=())
    if seed % 5 == 3:
        watched = msgspec.structs.replace(watched, maintenance=(Window(instant(40).utc, instant(60).utc),))
    world = Troubled(troubles_of(chance, length_s, tuple(one.name for one in watched.vantages)) if seed else [], seed)
    night = Doubled(world, watched, seed=seed, segments=chance.random() < 0.7)
    silent = sorted(chance.uniform(10, length_s) for _ in range(2)) if seed and chance.random() < 0.4 else [-1.0, -1.0]
    night.is_stopped = lambda t: silent[0] <= t < min(silent[1], silent[0] + 9)
    late = chance.uniform(10, length_s) if seed and chance.random() < 0.4 else -10.0

    def beat(t: float) -> Heartbeat:
        return msgspec.structs.replace(Night._beat(night, t), poll_lag_s=3.0 if late <= t < late + 4 else 0.01)

    night.heartbeat = beat
    night.run(length_s)
    if seed == 0:  # a healthy one
        assert night.short > 3 * night.full and night.verdict.severity is Severity.OK


def test_a_prober_that_falls_silent_blinds_a_calm_channel_within_its_deadline():
    night = Doubled(World(), channel(edges=("lhr",)))
    night.run(30)
    assert night.memory.calm is not None and night.verdict.severity is Severity.OK
    last = night.memory.probe.heartbeat
    assert last is not None
    _, deadline = calm.renewed(night.memory, instant(30), 2.0) or (None, 0.0)
    assert deadline <= last.at.mono + 3.001
    silent = step(night.memory, (), None, instant(last.at.mono - START + 3.1))
    assert silent.verdict.severity is Severity.UNKNOWN and "no heartbeat" in silent.verdict.reason
