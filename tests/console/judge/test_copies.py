"""Copies that honest caches still hold: what the origin has mended is not blamed on them, and what they never mend is."""

from __future__ import annotations

import msgspec
import pytest

from console.model.observation import MediaFacts
from console.model.remark import Remark
from console.model.severity import Layer
from tests.console.judge.night import Night, Reply, World, channel

BEGIN, END = 41.9, 66.3
NEW = ("1080p", "720p", "480p")


class Ending(World):
    """ENDLIST and an EXTINF over T, or a lost rung, from BEGIN to END."""

    what = "end"

    def media(self, rendition: str, t: float) -> MediaFacts:
        facts = super().media(rendition, min(t, BEGIN) if self.what == "end" and BEGIN <= t < END else t)
        if not BEGIN <= t < END or rendition != "720p":
            return facts if self.what != "end" else super().media(rendition, t)
        change = {"end": {"has_endlist": True}, "long": {"longest_extinf_s": 5.2}, "ladder": {}}[self.what]
        return msgspec.structs.replace(facts, **change)

    def ladder(self, t: float) -> tuple[str, ...]:
        return ("1080p", "480p") if self.what == "ladder" and BEGIN <= t < END else NEW


CODES = {"end": "UNEXPECTED_END", "long": "TD_EXCEEDED", "ladder": "LADDER_SHRUNK"}


@pytest.mark.parametrize("what", list(CODES))
@pytest.mark.parametrize(("ttl_s", "has_age", "seed"), [(2.0, True, 1), (2.0, False, 2), (3.9, True, 3)])
def test_an_edge_that_shows_what_the_origin_has_just_mended_is_not_blamed(what: str, ttl_s: float, has_age: bool, seed: int):
    world = Ending(ttl_s=ttl_s, has_age=has_age, seed=seed)
    world.what = what
    night = Night(world, seed=seed).run(END + 40)
    assert {code for code, _ in night.codes()} == {CODES[what]}
    assert Layer.EDGE not in {finding.layer for _, finding in night.findings()}


def test_an_edge_that_goes_on_to_show_it_is_blamed_within_three_polls_of_that():
    class Stuck(Ending):
        what = "long"

        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            return super().reply(vantage, rendition, min(t, END - 0.1) if vantage == "edge-syd" and rendition == "720p" else t)

    night = Night(Stuck(), channel(edges=("lhr", "syd", "nrt"))).run(END + 14)
    edge = [(t, f) for t, f in night.findings() if f.layer is Layer.EDGE and f.code == "TD_EXCEEDED"]
    assert {f.vantage for _, f in edge} == {"edge-syd"}
    assert edge[0][0] - END <= 4 + 6


@pytest.mark.parametrize("origin", [True, False])
def test_a_rung_that_is_named_again_is_as_old_as_its_new_name(origin: bool):
    class Lost(World):
        def at_edge(self, vantage: str, rendition: str | None, t: float) -> Reply:
            reply = super().at_edge(vantage, rendition, t)
            if rendition is None and BEGIN <= t < END and vantage != "edge-lhr":
                return msgspec.structs.replace(reply, variants=reply.variants[:1] + reply.variants[2:])
            return reply

    night = Night(Lost(), channel(edges=("lhr", "syd", "nrt"), origin=origin)).run(END + 30)
    assert {code for code, _ in night.codes()} == {"LADDER_SHRUNK"}


@pytest.mark.parametrize("origin", [True, False])
@pytest.mark.parametrize(("ahead", "told"), [(0, set()), (60, {("SEQ_JUMP", "edge")})])
def test_an_edge_that_catches_up_has_not_jumped_and_one_that_numbers_by_itself_has(
    origin: bool, ahead: int, told: set[tuple[str, str]]
):
    class Jumping(World):
        def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
            reply = super().reply(vantage, rendition, t)
            if vantage != "edge-syd" or rendition != "720p" or t < BEGIN or reply.media is None:
                return reply
            numbers = {
                "media_sequence": reply.media.media_sequence + ahead,
                "newest_sequence": reply.media.newest_sequence + ahead,
            }
            remarks = (Remark("SEQ_JUMP", ahead, "it went on", {}, True),) if t < BEGIN + 4 else ()
            return msgspec.structs.replace(reply, media=msgspec.structs.replace(reply.media, **numbers), remarks=remarks)

    night = Night(Jumping(), channel(edges=("lhr", "syd", "nrt"), origin=origin)).run(BEGIN + 20)
    assert night.codes() == told
