"""A console that stays open over the lab: the engine in this process, and the overview's JSON whenever it is wanted."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from console.feeds.incidents import ALERTS
from console.model.alert import Alerts
from console.model.reading import Reading
from console.model.scope import Scope
from console.rows.digest import to_json
from console.snapshot import Session, session
from tests.lab.servers import SITE

Document = dict[str, Any]
LOOK_EVERY_S = 0.05


def pane(document: Document, name: str) -> Document:
    return next(each for each in document["panes"] if each["name"] == name)


def source(document: Document, name: str) -> Document:
    return next(each for each in document["sources"] if each["name"] == name)


class Watch:
    """The engine, its overview, and the feed of the alerts beneath it."""

    def __init__(self, engine: Engine, taking: Session, alerts: Any) -> None:
        self.engine = engine
        self._taking = taking
        self._alerts = alerts

    @property
    def document(self) -> Document:
        return json.loads(to_json(self._taking.digest()))  # type: ignore[no-any-return]

    @property
    def alerts(self) -> Reading[Alerts]:
        return self._alerts.reading  # type: ignore[no-any-return]

    async def until(self, what: str, holds: Callable[[Document], bool], within_s: float) -> tuple[Document, float]:
        """The first document of which it holds, and when it was seen (seconds of the wall clock, as file times are)."""
        end = time.monotonic() + within_s
        while True:
            document = self.document
            if holds(document):
                return document, time.time()
            if time.monotonic() >= end:
                told = [
                    (each["name"], each["state"], each["summary"], each["note"], each["error"], each["findings"])
                    for each in document["panes"]
                ]
                pytest.fail(f"not {what} within {within_s:.1f} s: {told} {document['incidents']} {document['sources']}")
            await asyncio.sleep(LOOK_EVERY_S)


@asynccontextmanager
async def watch() -> AsyncIterator[Watch]:
    """Opens the console on the lab's site; nothing of it is left behind."""
    engine = Engine.open(load(SITE, {}), None, SystemClock())
    try:
        with session(engine.desk, engine.name, "overview", Scope()) as taking:
            yield Watch(engine, taking, engine.hub.subscribe(ALERTS))
    finally:
        await engine.close()
