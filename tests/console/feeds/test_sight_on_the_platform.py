"""Against the whole embedded platform, over its real protocols: its namespace `live` for a session that may not read it."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest

from console.app.picture import drawn
from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from console.feeds.desk import Desk
from console.model.scope import Scope
from console.model.sight import Sight
from tests.console.embedded import embedded
from tests.console.feeds.test_sight import PANES, told

pytestmark = pytest.mark.proof
OTHERS = Sight.of([(("vod", "platform"), ("*",))])


class Platform:
    """What `told` asks of a world."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def now(self) -> Any:
        return self.engine.clock.now()


@pytest.mark.timeout(180)
async def test_a_session_that_may_not_read_it_finds_nothing_of_it(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)}
    with embedded(tmp_path, scenario="bad-deploy", start_after_s=0.1, duration_s=3600) as path:
        engine = Engine.open(load(path, environ), None, SystemClock(), environ)
        seats = {name: engine.desk.sit(name) for name in PANES}
        try:
            desk = engine.desk.seen_by(OTHERS)
            deadline = time.monotonic() + 90
            while not await is_told(engine, seats):
                assert time.monotonic() < deadline, [(name, seat.reading.state) for name, seat in seats.items() if seat.reading]
                await asyncio.sleep(0.2)
            hidden = words(engine.desk)
            await asyncio.sleep(2.5)  # the names are gathered every two seconds
            seen = told(Platform(engine), desk, Scope())
            whole = told(Platform(engine), engine.desk, Scope())
            for view in ("overview", "workloads", "incidents"):
                pictures = [
                    (await drawn(each, "demo", is_prod=False, who="mei", view=view, scope=Scope(), theme=None, size=(200, 60),
                                 format="ansi")).decode()
                    for each in (desk, engine.desk)
                ]  # fmt: skip
                seen[f"picture {view}"], whole[f"picture {view}"] = pictures
        finally:
            for seat in seats.values():
                seat.close()
            await engine.close()
    leaks = {where: text[max(0, hit.start() - 80) : hit.end() + 40] for where, text in seen.items() if (hit := hidden.search(text))}
    assert not leaks
    for where in ("pane workloads", "pane streams", "pane incidents", "pane logs", "rollouts", "json overview", "picture overview", "ring"):
        assert hidden.search(whole[where]), where
    assert "vod-encoder" in seen["pane workloads"]


async def is_told(engine: Engine, seats: dict[str, Any]) -> bool:
    """Whether the bad deploy is on the whole desk: in its streams, as an incident with what was before it, and in the logs."""
    incidents = seats["incidents"].reading
    ring = engine.desk.ring
    assert incidents is not None and ring is not None
    is_open = any("packager-emea" in incident.before_it for incident in incidents.value or ())
    return is_open and any(line.service == "packager-emea" for line in ring.newest(2000))


def words(desk: Desk) -> re.Pattern[str]:
    """The names of what is in `live`, but for those that the channel list uses as names of vantages."""
    seat = desk.sit("workloads")
    listed = desk.sit("streams").reading
    assert seat.reading is not None and listed is not None and listed.value is not None
    value = seat.reading.value
    names = {each.name for each in (*value.pods.values(), *value.deployments.values()) if each.namespace == "live"}
    vantages = {vantage.name for channel in listed.value.channels.values() for vantage in channel.vantages}
    seat.close()
    return re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w])" for name in sorted(names - vantages)))
