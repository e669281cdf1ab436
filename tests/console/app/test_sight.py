"""On the screen of a session that may not read a namespace, no key leads to a word of it; of one that may, they all do."""

from __future__ import annotations

import re
from typing import Any

import pytest

from console.app.picture import ansi, drawn
from console.feeds.desk import OVERVIEW
from console.model.scope import Scope
from console.model.sight import Sight
from tests.console.feeds.sight_world import WorldDesk, canaries
from tests.hand_clock import HandClock
from tests.stage import Stage, staged

LIVE = Sight.of([(("live",), ("*",))])
BOTH = Sight.of([(("live", "vod"), ("*",))])
HIDDEN = re.compile(r"canary-vod|\bvod\b")


def world_for(sight: Sight) -> Any:
    world = WorldDesk(canaries(HandClock().now()))
    world.desk = world.whole.seen_by(sight)
    return world


WALK = (  # keys, and what is on the screen then
    ("", "overview"),
    ("3", "workloads"),
    ("d", "described"),
    ("escape e", "events"),
    ("escape 5", "incidents"),
    ("6", "actions"),
    ("9", "sources"),
    ("2", "logs"),
    ("1 enter", "a channel's page"),
    ("v", "evidence"),
    ("escape p", "where it leads to"),
    ("colon s c", "palette"),
)


async def walked(stage: Stage) -> dict[str, str]:
    """The screen after each step of the walk."""
    found: dict[str, str] = {}
    for keys, where in WALK:
        for key in keys.split():
            await stage.send(key if key != "colon" else ":")
        await stage.settle()
        found[where] = ansi(stage.app)
    return found


async def test_no_key_leads_to_a_hidden_word() -> None:
    async with staged(world_for(LIVE), (160, 48)) as stage:
        found = await walked(stage)
    leaks = {where: text[max(0, hit.start() - 60) : hit.end() + 40] for where, text in found.items() if (hit := HIDDEN.search(text))}
    assert not leaks
    assert all("canary-live" in found[where] for where in ("workloads", "described", "events", "logs", "incidents", "actions"))


async def test_with_the_right_to_read_it_the_same_keys_show_it() -> None:
    async with staged(world_for(BOTH), (160, 48)) as stage:
        found = await walked(stage)
    shown = ("overview", "workloads", "described", "events", "incidents", "actions", "logs", "evidence")
    assert not [where for where in shown if "canary-vod" not in found[where]]


@pytest.mark.parametrize("view", [OVERVIEW, "incidents"])
async def test_a_picture_shows_no_hidden_word(view: str) -> None:
    world = world_for(LIVE)
    try:
        picture = await drawn(
            world.desk, "site", is_prod=False, who="mei", view=view, scope=Scope(), theme=None, size=(160, 48), format="ansi"
        )
    finally:
        await world.hub.close()
    assert b"canary-live" in picture
    assert not HIDDEN.search(picture.decode())
