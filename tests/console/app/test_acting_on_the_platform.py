"""The bad deploy undone by keys, against the whole embedded platform: the plan, the yes, the write, the streams' recovery."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events
from textual.keys import _character_to_key

from console.acting.arming import armed
from console.actions.audit.operation import Actor
from console.app.app import MidwatchApp
from console.app.pivots import Place
from console.app.plandialog import PlanDialog
from console.app.screen import ConsoleScreen
from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from console.model.scope import Scope
from tests.console.embedded import embedded

pytestmark = pytest.mark.proof
NAME = "packager-emea"
MEI = Actor(name="mei", id="1000")


async def until(holds: Callable[[], bool], within_s: float, what: Callable[[], object]) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, what()
        await asyncio.sleep(0.1)


async def hand(app: MidwatchApp, *keys: str) -> None:
    for key in keys:
        await asyncio.sleep(0.12)
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        app.post_message(events.Key(name, key if len(key) == 1 else None))
    await asyncio.sleep(0.5)


@pytest.mark.timeout(180)
async def test_the_bad_deploy_is_undone_by_keys_and_the_streams_recover(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)}
    with embedded(tmp_path, scenario="bad-deploy", start_after_s=0.1, duration_s=3600) as path:
        config = load(path, environ)
        engine = Engine.open(config, None, SystemClock(), environ)
        service = armed(engine, config, environ, MEI)
        place = Place("streams", Scope((("channel", "uk-sport-1"),)))
        screen = ConsoleScreen(engine.desk, "demo", is_prod=False, who="mei", place=place, licence=service.licence(MEI))
        app = MidwatchApp(screen)
        try:
            async with app.run_test(size=(120, 36)):
                def text() -> str:
                    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())

                await until(lambda: "[package]" in text() and "INC-" in text(), 90, text)
                await hand(app, "a")
                await until(lambda: f"kube:demo-1/live/deployment/{NAME}" in text(), 10, text)
                await hand(app, "2")
                await until(lambda: "rollout undo: revision=" in text(), 10, text)
                await hand(app, "enter")
                await until(lambda: isinstance(app.screen, PlanDialog), 30, text)
                dialog = app.screen
                assert isinstance(dialog, PlanDialog) and not dialog.plan.refusals, dialog.plan.refusals
                await until(lambda: "packager:3.8.1" in text() and "server dry-run accepted" in text(), 10, text)
                await asyncio.sleep(0.6)
                await hand(app, "tab", *"bad deploy", "tab", "tab", *dialog.plan.to_type)
                await asyncio.sleep(0.8)
                await hand(app, "enter")
                op = dialog.plan.op

                def state() -> str:
                    known = service.book.get(op)
                    return known.state.value if known is not None else ""

                await until(lambda: state() == "succeeded", 90, lambda: (state(), text()))
                await until(lambda: "STATE  succeeded" in text() and "u undo" in text(), 5, text)
                assert not app.faults, app.faults
        finally:
            await service.close()
            await engine.close()
