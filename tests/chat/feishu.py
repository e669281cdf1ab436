"""A group's custom bot and an app of Feishu, as documented: signature within an hour, 20 kB, cards, 5 a second and 100 a minute,
the app's token and its pictures; errors as HTTP 200 with a code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from aiohttp import web

from tests.chat.posts import Chat, Pace
from tests.hand_clock import HandClock

SECRET = "canaryFeishuSignSecret"
APP_ID = "cli_a1b2c3d4"
APP_SECRET = "canaryFeishuAppSecret0001"
HOOK = "/open-apis/bot/v2/hook/0f1e2d3c-aaaa-bbbb-cccc-canaryhook01"
TENANT_TOKEN = "t-canaryTenantToken"


class Feishu(Chat):
    """One bot, one app."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self.cards: list[dict[str, Any]] = []
        self.pictures: dict[str, bytes] = {}
        self.tokens = 0
        self._clock = clock
        self._second, self._minute = Pace(clock, 5.0, 5), Pace(clock, 100 / 60, 100)

    def routes(self, app: web.Application) -> None:
        app.router.add_post(HOOK, self._bot)
        app.router.add_post("/open-apis/auth/v3/tenant_access_token/internal", self._token)
        app.router.add_post("/open-apis/im/v1/images", self._image)

    def _no(self, code: int, msg: str, status: int = 200) -> web.Response:
        return self.refuse(f"{code} {msg}", web.json_response({"code": code, "msg": msg, "data": {}}, status=status))

    async def _bot(self, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > 20 * 1024:
            return self._no(9499, "request too large")
        if not (self._second.bears() and self._minute.bears()):
            return self._no(11232, "frequency limited psm[lark.oapi.app_platform_runtime]")
        told = json.loads(body)
        at = str(told.get("timestamp", ""))
        made = base64.b64encode(hmac.new(f"{at}\n{SECRET}".encode(), b"", hashlib.sha256).digest()).decode()
        if told.get("sign") != made or abs(self._clock.now().utc.timestamp() - int(at or 0)) > 3600:
            return self._no(19021, "sign match fail or timestamp is not within one hour from current time")
        wrong = wrong_with_card(told, self.pictures)
        if wrong:
            return self._no(9499, f"Bad Request: {wrong}")
        self.cards.append(told["card"])
        return web.json_response({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"})

    async def _token(self, request: web.Request) -> web.Response:
        if await request.json() != {"app_id": APP_ID, "app_secret": APP_SECRET}:
            return self._no(10014, "app secret invalid")
        self.tokens += 1
        token = f"{TENANT_TOKEN}{self.tokens}"
        return web.json_response({"code": 0, "msg": "ok", "tenant_access_token": token, "expire": 7200})

    async def _image(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TENANT_TOKEN}{self.tokens}":
            return self._no(99991663, "Invalid access token for authorization. Please make a test attempt", status=400)
        form = await request.post()
        image = form.get("image")
        if form.get("image_type") != "message" or not isinstance(image, web.FileField):
            return self._no(234001, "Invalid request param.", status=400)
        content = image.file.read()
        if not 0 < len(content) <= 10_000_000 or not image.filename:
            return self._no(234006, "The file size exceed the max value.", status=400)
        key = f"img_v3_{len(self.pictures):04d}"
        self.pictures[key] = content
        return web.json_response({"code": 0, "msg": "success", "data": {"image_key": key}})


def wrong_with_card(told: dict[str, Any], pictures: dict[str, bytes]) -> str:
    """What the bot would say of it; "" for nothing."""
    if told.get("msg_type") != "interactive" or set(told) - {"timestamp", "sign", "msg_type", "card"}:
        return "msg_type"
    card = told["card"]
    header = card.get("header")
    if header is not None and (header["template"] not in ("red", "orange", "grey", "green") or _plain(header["title"])):
        return "header"
    for element in card["elements"]:
        match element["tag"]:
            case "div":
                wrong = _plain(element["text"])
            case "note":
                wrong = next(filter(None, map(_plain, element["elements"])), "")
            case "img":
                wrong = _plain(element["alt"]) or ("" if element["img_key"] in pictures else "img_key")
            case "hr":
                wrong = ""
            case tag:
                wrong = f"tag {tag}"
        if wrong:
            return wrong
    return "" if card["elements"] else "elements"


def _plain(text: dict[str, Any]) -> str:
    return "" if text.get("tag") == "plain_text" and text.get("content") and set(text) == {"tag", "content"} else f"a text that is parsed: {text!r:.80}"


def texts(card: dict[str, Any]) -> list[str]:
    """Every text of a card."""
    found: list[str] = []
    for element in [card.get("header", {}).get("title", {}), *card["elements"]]:
        parts = [element, element.get("text", {}), *element.get("elements", []), element.get("alt", {})]
        found += [part["content"] for part in parts if isinstance(part, dict) and "content" in part]
    return found
