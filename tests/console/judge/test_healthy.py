"""A healthy stream is never accused, whatever the caches, the network and the clock make of it."""

from __future__ import annotations

import random

import msgspec
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from console.judge.memory import ChannelMemory
from console.judge.noted import NOTED_LIMIT
from console.judge.rules import RULES
from console.judge.stream import step
from console.model.observation import Asked, Heartbeat, Observation, Outcome, SegmentFacts
from console.model.remark import Remark
from console.model.severity import Severity
from tests.console.judge.night import LADDER, Night, Reply, World, channel, instant

UNSHRUNK = (
    Phase.explicit,
    Phase.reuse,
    Phase.generate,
)  # a night takes a while; a smaller one teaches nothing more


@settings(max_examples=15, deadline=None, phases=UNSHRUNK)
@given(
    seed=st.integers(0, 10**6),
    target_s=st.sampled_from([2.0, 4.0, 6.0]),
    ttl_t=st.floats(0.0, 1.0),
    jitter_t=st.floats(0.0, 0.3),
    loss=st.sampled_from([0.0, 0.002]),
    slow_s=st.floats(0.001, 0.4),
    edges=st.sampled_from([(), ("lhr",), ("lhr", "syd", "nrt")]),
)
def test_jittered_polls_cache_ttls_and_single_lost_polls_accuse_nobody(
    seed: int,
    target_s: float,
    ttl_t: float,
    jitter_t: float,
    loss: float,
    slow_s: float,
    edges: tuple[str, ...],
):
    class Slow(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            reply = super().reply(vantage, rendition, t)
            return Reply(
                **{
                    **{f: getattr(reply, f) for f in reply.__struct_fields__},
                    "elapsed_s": self.rng.uniform(0, slow_s),
                }
            )

    world = Slow(target_s=target_s, seed=seed, ttl_s=ttl_t * target_s, jitter_s=jitter_t * target_s)
    night = Night(world, channel(edges=edges), seed=seed, segments=True)
    lost: dict[str, float] = {}

    def loses(vantage: str, t: float) -> bool:
        """Single polls: after a loss the vantage answers for a while."""
        if t - lost.get(vantage, -100.0) < 4 * target_s or world.rng.random() >= loss:
            return False
        lost[vantage] = t
        return True

    night.loses = loses
    night.run(90)
    assert night.findings() == []
    assert night.verdict.severity is Severity.OK


@settings(max_examples=6, deadline=None, phases=UNSHRUNK)
@given(seed=st.integers(0, 10**6), ttl_t=st.floats(0.0, 0.5), has_age=st.booleans())
def test_two_cache_nodes_behind_one_name_are_not_going_back(seed: int, ttl_t: float, has_age: bool):
    class TwoNodes(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            if vantage == "origin":
                return super().reply(vantage, rendition, t)
            return super().reply(f"{vantage}-{self.rng.randrange(2)}", rendition, t)

    night = Night(TwoNodes(seed=seed, ttl_s=ttl_t * 4.0, has_age=has_age), seed=seed).run(120)
    assert night.findings() == []


@settings(max_examples=6, deadline=None, phases=UNSHRUNK)
@given(
    seed=st.integers(0, 10**6),
    start=st.floats(60.0, 68.0),
    lasts=st.floats(5.0, 30.0),
    ttl_t=st.floats(0.0, 0.9),
)
def test_a_package_fault_is_never_blamed_on_an_edge_neither_when_it_begins_nor_when_it_ends(
    seed: int, start: float, lasts: float, ttl_t: float
):
    class Gap(World):
        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, start if start <= t < start + lasts else t)

    night = Night(Gap(seed=seed, ttl_s=ttl_t * 4.0), seed=seed).run(start + lasts + 60)
    assert {layer for _, layer in night.codes()} <= {"package"}
    assert night.verdict.severity is Severity.OK


@settings(max_examples=6, deadline=None, phases=UNSHRUNK)
@given(seed=st.integers(0, 10**6), start=st.floats(40.0, 80.0), lasts=st.floats(0.5, 20.0))
def test_a_stopped_prober_never_makes_a_stale_stream(seed: int, start: float, lasts: float):
    night = Night(World(seed=seed), seed=seed)
    night.is_stopped = lambda t: start <= t < start + lasts
    night.run(start + lasts + 40)
    assert night.findings() == []
    assert night.verdict.severity is Severity.OK


@settings(max_examples=8, deadline=None, phases=UNSHRUNK)
@given(
    seed=st.integers(0, 10**6),
    slow=st.floats(0.01, 0.7),
    size_share=st.floats(0.1, 1.2),
    off_s=st.floats(-0.3, 0.3),
    lag_t=st.floats(0.0, 0.4),
    missing=st.sampled_from([0.0, 0.05]),
)
def test_segments_of_any_size_and_speed_that_is_declared_and_renditions_published_one_after_the_other_accuse_nobody(
    seed: int, slow: float, size_share: float, off_s: float, lag_t: float, missing: float
):
    class Varied(World):
        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, t - lag_t * self.target_s * LADDER.index(rendition) / 2)

        def segment_facts(self, vantage: str, sequence: int, t: float) -> SegmentFacts:
            facts = super().segment_facts(vantage, sequence, t)
            return msgspec.structs.replace(
                facts,
                transfer_s=slow * self.target_s * self.rng.uniform(0.5, 1.0),
                size=int(facts.declared_bps / 8 * self.target_s * size_share),
                duration_s=self.target_s + off_s,
            )

        def segment(self, vantage: str, t: float) -> Reply:
            """Single ones are late by a moment."""
            if self.rng.random() >= missing or t - self._missed < 20:
                return Reply()
            self._missed = t
            return Reply(Outcome.HTTP, 404)

        _missed = -100.0

    night = Night(Varied(seed=seed), seed=seed, segments=True).run(100)
    assert night.findings() == []
    assert night.verdict.severity is Severity.OK


def hostile(rng: random.Random, world: World, t: float) -> Observation:
    """An answer that may be late, of a vantage or rendition nobody knows, with remarks and facts of any value."""
    rendition = rng.choice([None, *LADDER, "no-such"])
    asked = rng.choice(list(Asked))
    values = [0.0, 0.5, 1.0, 3.0, -1.0, 1e300, float("inf"), float("nan")]
    remarks = [
        Remark(rng.choice([*RULES, "NO_SUCH_CODE", ""]), rng.choice(values), "x" * rng.randrange(300), {}, rng.random() < 0.5)
        for _ in range(rng.randrange(4))
    ]
    facts = SegmentFacts(
        sequence=rng.randrange(-2, 600),
        extinf_s=rng.choice([0.0, 0.1, 4.0, 1e9]),
        size=rng.choice([None, 0, 500_000, 10**12]),
        digest=rng.choice(["", "a", "b"]),
        is_whole=rng.random() < 0.5,
        transfer_s=rng.choice([None, 0.0, 1.0, 100.0]),
        duration_s=rng.choice([None, 0.0, 4.0, 100.0]),
        starts_with_key=rng.choice([None, True, False]),
        declared_bps=rng.choice([0, 1_000_000]),
        average_bps=rng.choice([0, 900_000]),
        container=rng.choice(["", "ts", "fmp4", "webvtt"]),
        left_s=rng.choice([None, 3.0]),
        waited_s=rng.choice([0.0, 1.0, 4.0]),
    )
    return Observation(
        channel="uk-sport-1",
        vantage=rng.choice(["origin", "edge-lhr", "nobody"]),
        asked=asked,
        rendition=rendition,
        at=instant(t),
        elapsed_s=rng.choice([0.0, 0.02, 5.0]),
        outcome=rng.choice([Outcome.OK] * 8 + list(Outcome)),
        status=rng.choice([None, 200, 403, 404]),
        variants=world.at_origin(None, max(t, 0.0)).variants if rendition is None else (),
        media=world.media(rendition, max(t, 0.0)) if rendition in LADDER else None,
        remarks=tuple(remarks),
        segment=facts if asked is Asked.SEGMENT else None,
        is_unchanged=rng.random() < 0.5,
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_whatever_order_answers_come_in_the_judge_stays_whole_bounded_and_tells_the_same_twice(seed: int):
    rng = random.Random(seed)
    memory = ChannelMemory.starting(channel(edges=("lhr",)), instant(0))
    world = World(seed=seed)
    for n in range(25):
        # no two at once: which of those came first nobody knows
        batch = [hostile(rng, world, n * 2.0 + rng.choice([-30.0, -2.0, 0.0, 1.9]) + 0.001 * k) for k in range(6)]
        now = instant(n * 2.0 + 2.0)
        beat = Heartbeat(now, poll_lag_s=0.0, loop_lag_s=0.0, channels=1, polls=1, bytes_in=0, in_flight=0)
        taken = step(memory, batch, beat, now)
        assert step(memory, rng.sample(batch, len(batch)), beat, now) == taken
        memory = taken.memory
        step(memory, batch, beat, now)
        assert all(len(many) <= NOTED_LIMIT for many in memory.noted.values())
        assert len(memory.noted) <= 2 * (len(LADDER) + 2)
        assert taken.deadline_mono is None or taken.deadline_mono > now.mono
        msgspec.json.encode(taken.verdict)
