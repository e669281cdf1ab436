"""A healthy stream is never accused, whatever the caches, the network and the clock make of it."""

from __future__ import annotations

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from console.model.severity import Severity
from tests.console.judge.night import Night, Reply, World, channel

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
    night = Night(world, channel(edges=edges), seed=seed)
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
