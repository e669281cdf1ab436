"""A site with canaries everywhere, watched by the real engine: what is shown, drawn, logged and raised is searched for them.

Two promises differ. Nothing that midwatch was given to be let in by ever shows, wherever it is quoted. What others wrote into
their log lines, pods and alerts is shown on the screen as they wrote it, and hidden in what leaves for a chat.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from console.app.picture import drawn
from console.assembly import Engine
from console.config.load import load
from console.feeds.clock import SystemClock
from console.feeds.desk import OVERVIEW, VIEWS, Desk
from console.logfile import logged_to
from console.model.failure import SourceError
from console.model.scope import Scope
from console.redaction.known import known_secrets
from console.redaction.redactor import Redactor
from console.redaction.veil import veiled
from console.rows.digest import Digest, to_json, to_text
from console.snapshot import Session, session
from tests.canaries.hostile import FOREIGN, Poison, hostile
from tests.canaries.planted import Planted, planted
from tests.canaries.searching import found

PATIENCE_S = 45.0
TOLD_IN_LINES = ("Credential.bearer_file", "Basic.password_env", "ChatDestination.secret_file")
PICTURES = ("ansi", "svg", "html", "png")
DRAWN = (OVERVIEW, "logs", "sources")


class House:
    """What there is to search."""

    def __init__(self, made: Planted, engine: Engine, poison: Poison) -> None:
        self.made, self.engine, self.poison = made, engine, poison
        self.raised: list[str] = []
        config = load(made.config, made.environ)
        self.redactor = Redactor(known_secrets(config, made.environ))
        self.in_lines = {where for where in made.canaries if where.rpartition(".")[0] in TOLD_IN_LINES}

    @property
    def own(self) -> dict[str, str]:
        """What midwatch was given, but for what a stranger wrote into his log."""
        return {where: canary for where, canary in self.made.canaries.items() if where not in self.in_lines}

    @property
    def all(self) -> dict[str, str]:
        return {**self.made.canaries, **{f"foreign {name}": canary for name, canary in FOREIGN.items()}}


def _is_told(digest: Digest, poison: Poison) -> bool:
    """The pods, the lines and every refusal are there."""
    panes = {pane.name: pane for pane in digest.panes}
    sources = digest.sources.rows if digest.sources is not None else ()
    waited = [row for row in sources if row.state.value == "connecting" and row.name != "alertmanager.alerts"]
    lines = panes["logs"].rows
    return {"lines", "pods"} <= poison.asked and len(lines) > 40 and len(waited) == 0 and bool(panes["streams"].findings)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    """Settled; ends with the log searched too, so that no test can forget it."""
    garden = tmp_path / "garden"
    garden.mkdir()
    log_file = tmp_path / "log" / "midwatch.log"
    with logged_to(log_file):
        async with hostile() as (urls, poison):
            made = planted(garden, urls)
            for name, value in made.environ.items():
                monkeypatch.setenv(name, value)
            poison.known = [canary for where, canary in made.canaries.items() if where.rpartition(".")[0] in TOLD_IN_LINES]
            engine = Engine.open(load(made.config, made.environ), None, SystemClock())
            watched = House(made, engine, poison)
            begun = SourceError.__init__

            def noted(self: SourceError, *arguments: Any, **named: Any) -> None:
                begun(self, *arguments, **named)
                watched.raised.append(f"{self} {self!r} {self.args!r} {vars(self)!r} {self.__cause__!r} {self.__context__!r}")

            monkeypatch.setattr(SourceError, "__init__", noted)
            try:
                with session(engine.desk, engine.name, OVERVIEW, Scope()) as taking:
                    await _settled(taking, poison)
                    yield watched
            finally:
                await engine.close()
    logged = log_file.read_text()
    assert found(logged, watched.all) == [], logged[-3000:]


async def _settled(taking: Session, poison: Poison) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not _is_told(taking.digest(), poison):
        assert loop.time() < deadline, to_text(taking.digest())
        await asyncio.sleep(0.1)


def digest_of(house: House, view: str) -> Digest:
    with session(house.engine.desk, house.engine.name, view, Scope()) as taking:
        return taking.digest()


async def picture(desk: Desk, house: House, view: str, format: str) -> bytes:
    return await drawn(desk, house.engine.name, is_prod=False, who="mei", view=view, scope=Scope(), theme=None, size=(200, 60), format=format)


@pytest.mark.parametrize("formats", [("ansi",), pytest.param(PICTURES, marks=[pytest.mark.slow, pytest.mark.timeout(300)])], ids=["ansi", "all"])
async def test_nothing_that_lets_midwatch_in_is_shown_and_nothing_at_all_leaves(house: House, formats: tuple[str, ...]) -> None:
    wrong = []
    shown_lines = 0
    for view in VIEWS:
        digest = digest_of(house, view)
        for format, content in (("json", to_json(digest)), ("text", to_text(digest, 400).encode())):
            wrong += [f"{view} {format}: {where}" for where in found(content, house.own)]
            shown_lines += len(found(content, FOREIGN))
        desk, told = await veiled(house.engine.desk, house.redactor, digest)
        for format, content in (("json", to_json(told)), ("text", to_text(told, 400).encode())):
            wrong += [f"{view} {format} redacted: {where}" for where in found(content, house.all)]
        for format in formats if view in DRAWN else ():
            content = await picture(house.engine.desk, house, view, format)
            wrong += [f"{view} {format}: {where}" for where in found(content, house.own)]
            content = await picture(desk, house, view, format)
            wrong += [f"{view} {format} redacted: {where}" for where in found(content, house.all)]
    assert shown_lines > 5, "the lines were not even shown: this proves nothing"
    assert len(house.raised) > 10, house.raised
    wrong += [f"raised: {where} in {text[:300]}" for text in house.raised for where in found(text, house.all)]
    assert not wrong, "\n".join(wrong)
