"""What apprise speaks to: here its own protocol of JSON to an address, and its absence."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from aiohttp import web

from console.chat import elsewhere
from console.chat.composing import composed
from console.redaction.redactor import Redactor
from tests.chat.posts import Chat, status
from tests.chat.slack import PNG
from tests.console.chat.turning import until
from tests.console.rows.test_digest import taken


class Json(Chat):
    """apprise's `json://`."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[dict[str, Any]] = []

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/taken", self._take)

    async def _take(self, request: web.Request) -> web.Response:
        self.taken.append(json.loads(await request.read()))
        return web.Response()


@pytest.fixture
async def json_server(started):
    return await started(Json())


async def test_text_and_picture_arrive_at_what_apprise_knows(json_server, office, clock, kept) -> None:
    pytest.importorskip("apprise", reason="the extra `chat` is not installed")
    opened = office(other={"kind": "apprise", "url_file": kept("url", json_server.url.replace("http", "json") + "/taken")})
    message = composed(taken(), Redactor())
    json_server.misbehave.append(status(500))
    await opened.post("other", message)
    await opened.post_picture("other", message, PNG + b"pixels")
    await until(clock, lambda: len(json_server.taken) == 2)
    text, picture = json_server.taken
    assert text["title"] == message.head and message.id in text["message"] and "CRIT uk-sport-1" in text["message"]
    assert base64.b64decode(picture["attachments"][0]["base64"]) == PNG + b"pixels"


async def test_an_address_that_apprise_does_not_know_is_given_up(office, clock, kept) -> None:
    pytest.importorskip("apprise", reason="the extra `chat` is not installed")
    opened = office(other={"kind": "apprise", "url_file": kept("url", "nonsense://canary-address")})
    await opened.post("other", composed(taken(), Redactor()))
    store = opened.carrier("other").store
    await until(clock, lambda: bool(store.dead()))
    assert "knows no service" in store.dead()[0][1] and "canary" not in store.dead()[0][1]


async def test_without_apprise_it_is_told_what_to_install(office, clock, kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "is_installed", lambda: False)
    opened = office(other={"kind": "apprise", "url_file": kept("url", "json://127.0.0.1/taken")})
    await opened.post("other", composed(taken(), Redactor()))
    store = opened.carrier("other").store
    await until(clock, lambda: bool(store.dead()))
    (standing,) = await opened.standings()
    assert "pip install 'midwatch[chat]'" in standing.trouble and standing.is_broken
