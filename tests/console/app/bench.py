"""A stage whose session may act: the real service over a small outside system in memory, on the stage's own clock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from textual import events
from textual.keys import _character_to_key

from console.actions.audit.operation import Actor, Tier
from console.actions.ledger import OperationsSource
from console.actions.licence import Licence
from console.actions.plan import Change
from console.actions.policy.policy import Policy
from console.actions.scene import Scene as World
from console.actions.survey import Right
from console.actions.target import TargetKind
from console.app.dialog import TypedDialog
from console.app.operation import OperationScreen
from console.app.plandialog import PlanDialog
from console.serve.presence import Presence
from tests.console.actions.thing import ANNA, POLICY, Blind, SetThing, Shop, Things
from tests.hand_clock import HandClock, settle
from tests.scene import Scene
from tests.stage import Stage, staged

TARGET = "kube:demo-1/live/deployment/packager-emea"
NAME = "packager-emea"
PACE_S = 0.15


class BenchClock(HandClock):
    """As the things ask for it; and one that goes on without waking anybody, for keys that come one after the other."""

    def skip(self, seconds: float) -> None:
        self._mono += seconds

    @property
    def mono(self) -> float:
        return self._mono


class SetWorkload(SetThing):
    """`thing.set` on a deployment, with whatever the server calls its labels in the diff."""

    def __init__(self, things: Things, name: str, tier: Tier, changes: tuple[Change, ...]) -> None:
        super().__init__(things, name, tier)
        self._changes = changes
        self.about = msgspec.structs.replace(self.about, kind=TargetKind.KUBE, object_kind="deployment")

    async def draft(self, order: Any) -> Any:
        draft = await super().draft(order)
        survey = msgspec.structs.replace(draft.survey, skew_s=0.0, rights=(Right(verb="patch", resource="deployments.apps", is_allowed=True),))
        return msgspec.structs.replace(draft, survey=survey, changes=(*draft.changes, *self._changes))


class Looking(Blind):
    """A witness for whom every feed has just spoken."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene.clock)
        self._scene = scene

    def look(self) -> World:
        now = self._scene.clock.now()
        readings = {
            view: msgspec.structs.replace(self._scene.feeds[view].topic.reading, received=now, as_of=now.utc)
            for view in ("workloads", "streams", "capacity")
        }
        return World(now=now, **readings)


class Bench:
    """A stage and what stands behind it."""

    def __init__(self, stage: Stage, shop: Shop) -> None:
        self.stage, self.shop = stage, shop
        self.clock = shop.clock

    @property
    def things(self) -> Things:
        return self.shop.things

    @property
    def dialog(self) -> TypedDialog[Any]:
        """The one in front."""
        screen = self.stage.app.screen
        assert isinstance(screen, TypedDialog), screen
        return screen

    @property
    def plan(self) -> Any:
        assert isinstance(self.dialog, PlanDialog)
        return self.dialog.plan

    @property
    def operation(self) -> OperationScreen:
        screen = self.stage.app.screen
        assert isinstance(screen, OperationScreen), screen
        return screen

    @property
    def is_dialog(self) -> bool:
        return isinstance(self.stage.app.screen, TypedDialog)

    @property
    def writes(self) -> int:
        """How often anything was sent."""
        return len(self.things.wire)

    def state(self, op: str) -> str:
        known = self.shop.service.book.get(op)
        return known.state.value if known is not None else "not known"

    async def ask(self, words: str = f"thing.set {TARGET} value=5") -> None:
        """`:act …` until its dialog stands there, and the half second in which keys do not count is over."""
        await self.stage.press("colon")
        await self.stage.type(f"act {words}")
        await self.stage.until(lambda: self.is_dialog)
        await self.turn(1.0)

    async def hand(self, *keys: str, pace: float = PACE_S) -> None:
        """Keys at a hand's pace."""
        for number, key in enumerate(keys):
            self.clock.skip(pace)
            name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
            self.stage.app.post_message(events.Key(name, key if len(key) == 1 else None))
            await settle(8)  # to the app
            await self.stage.app.keyboard.given()
            await settle(8)  # and on to the screen
            if number % 5 == 4:
                await self.clock.advance(0.0)  # who sleeps until now is woken: nobody may think that we were away
        await self.stage.settle()

    async def fill(self, name: str = NAME, reason: str = "wedged") -> None:
        """Reason and name, and the pause before enter."""
        await self.hand("tab", *reason, "tab", "tab", *name)
        await self.turn(1.5)

    async def paste(self, text: str) -> None:
        self.stage.app.post_message(events.Paste(text))
        await self.stage.settle()

    async def turn(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await self.stage.settle()

    async def until(self, holds: Any, seconds: float = 60.0, step: float = 0.5) -> None:
        """Let time pass until something holds."""
        end = self.clock.mono + seconds
        while not holds() and self.clock.mono < end:
            await self.turn(step)
        assert holds(), self.stage.text


def stocked(place: Path, scene: Scene, policy: Policy = POLICY, changes: tuple[Change, ...] = ()) -> Shop:
    """The service, with nobody in it yet."""
    shop = Shop(place, scene.clock, Things(scene.clock), lambda: policy)
    tools = shop.service._tools = msgspec.structs.replace(shop.service._tools, witness=Looking(scene))
    for name, tier in (("thing.set", Tier.MEDIUM), ("thing.force", Tier.HIGH), ("thing.touch", Tier.LOW)):
        tools.registry._actions[name] = SetWorkload(shop.things, name, tier, changes)
    return shop


@asynccontextmanager
async def benched(
    place: Path,
    size: tuple[int, int] = (120, 36),
    *,
    person: Actor = ANNA,
    policy: Policy = POLICY,
    changes: tuple[Change, ...] = (),
    is_prod: bool = False,
    shop: Shop | None = None,
    view: str = "actions",
    presence: Presence | None = None,
) -> AsyncIterator[Bench]:
    """A session of `person`. With the `shop` of another bench, a second session of the same process; with `presence`, told
    who else is here.
    """
    clock = BenchClock() if shop is None else shop.clock
    scene = Scene(clock)
    is_own = shop is None
    if shop is None:
        shop = stocked(place, scene, policy, changes)
    source = OperationsSource(shop.service.book, clock)

    def tell() -> None:
        scene.feeds["actions"].set(source._reading())

    silence = shop.service.book.listen(tell)
    tell()
    licence: Licence = shop.service.licence(person)
    company = presence.enter(person, address=f"10.0.0.{len(presence.visits) + 1}") if presence is not None else None
    try:
        async with staged(scene, size, licence=licence, is_prod=is_prod, view=view, company=company) as stage:
            yield Bench(stage, shop)
    finally:
        silence()
        if is_own:
            await shop.service.close()
