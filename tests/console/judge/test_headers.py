"""CACHE_HDR: whose header it is, when origin and edges are both looked at."""

from __future__ import annotations

import msgspec
import pytest

from console.model.remark import Remark
from console.model.severity import Layer, Severity
from tests.console.judge.night import Night, Reply, World, channel

START = 41.9


def remark(*kinds: str, value: float = 1.0) -> Remark:
    return Remark("CACHE_HDR", value, ", ".join(kinds), {"kinds": list(kinds)})


class Served(World):
    """From START on: what the origin sends, what its edges add to that, and what they mend."""

    origin: tuple[str, ...] = ()
    adds: tuple[str, ...] = ()
    mends: tuple[str, ...] = ()
    adding: tuple[str, ...] = ("edge-lhr", "edge-syd", "edge-nrt")
    from_t = START

    def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
        kinds = self.origin
        if vantage != "origin":
            kinds = tuple(one for one in kinds if one not in self.mends)
            kinds += tuple(one for one in self.adds if vantage in self.adding)
        reply = super().reply(vantage, rendition, t)
        if not kinds or rendition != "720p" or t < self.from_t:
            return reply
        return msgspec.structs.replace(reply, remarks=(remark(*kinds),))


def told(watched: bool = True, **more: object) -> set[tuple[Layer, Severity, str | None]]:
    world = Served()
    for name, value in more.items():
        setattr(world, name, value)
    night = Night(world, channel(edges=("lhr", "syd", "nrt"), origin=watched)).run(START + 60)
    assert all(finding.code == "CACHE_HDR" for _, finding in night.findings())
    return {(f.layer, f.severity, f.vantage if f.layer is Layer.EDGE else None) for _, f in night.findings()}


def test_what_the_origin_sends_and_its_edges_pass_on_is_the_origins():
    assert told(origin=("cors",)) == {(Layer.ORIGIN, Severity.WARN, None)}


@pytest.mark.parametrize("kind", ["gzip", "cors", "type", "held"])
def test_what_no_edge_passes_on_is_nothing_as_no_player_sees_it(kind: str):
    assert told(origin=(kind,), mends=(kind,)) == set()


def test_what_all_edges_send_and_the_origin_does_not_is_the_edges():
    assert {(layer, severity) for layer, severity, _ in told(adds=("cors",))} == {(Layer.EDGE, Severity.WARN)}


def test_what_one_edge_sends_is_that_edges_though_the_origin_lacks_something_else():
    assert told(origin=("gzip",), mends=("gzip",), adds=("type",), adding=("edge-syd",)) == {
        (Layer.EDGE, Severity.WARN, "edge-syd")
    }


def test_an_origin_that_was_always_so_is_told_as_one_that_becomes_so():
    assert told(origin=("cors",), from_t=0.0) == {(Layer.ORIGIN, Severity.WARN, None)}
