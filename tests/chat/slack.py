"""Slack's Web API and incoming webhooks, as documented: schema and limits of blocks, tokens, channels, threads, one message a
second, and the three calls of a picture.
"""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from tests.chat.posts import Chat, Pace
from tests.hand_clock import HandClock

TOKEN = "xoxb-1111-2222-canaryslacktoken"
CHANNEL = "C0123456789"
HOOK = "/services/T00000000/B00000000/canaryHookSecret012345"
PNG = b"\x89PNG\r\n\x1a\n"


def wrong_with_blocks(blocks: Any) -> str:
    """What Slack's validation would say; "" for nothing."""
    if not isinstance(blocks, list) or not blocks or len(blocks) > 50:
        return "blocks: 1 to 50"
    for block in blocks:
        kind = block.get("type")
        if kind == "header":
            wrong = _plain(block.get("text"), 150)
        elif kind == "context":
            elements = block.get("elements", [])
            wrong = "context: 1 to 10 elements" if not 0 < len(elements) <= 10 else next(filter(None, (_plain(each, 3000) for each in elements)), "")
        elif kind == "rich_text":
            wrong = next(filter(None, (_section(each) for each in block.get("elements", []))), "") or ("" if block.get("elements") else "rich_text: empty")
        else:
            wrong = f"unsupported block {kind}"
        if wrong:
            return wrong
    if len(json.dumps(blocks, ensure_ascii=False).encode()) > 15_600 or sum(map(len, texts(blocks))) > 9600:
        return "msg_blocks_too_long"
    return ""


def _plain(text: Any, limit: int) -> str:
    if not isinstance(text, dict) or text.get("type") != "plain_text" or set(text) - {"type", "text", "emoji"}:
        return f"plain_text: {text!r:.80}"
    return "" if 0 < len(text["text"]) <= limit else f"must be less than {limit + 1} characters"


def _section(section: Any) -> str:
    if section.get("type") != "rich_text_section":
        return f"rich_text: {section.get('type')}"
    for element in section["elements"]:
        if element.get("type") != "text":
            return f"an element that is parsed: {element.get('type')}"  # user, link, broadcast, emoji, ...
        if not 0 < len(element["text"]) <= 3000:
            return "must be less than 3001 characters"
    return ""


def texts(value: Any) -> list[str]:
    """Every text of blocks."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for each in value.values() if not isinstance(each, str) for text in texts(each)]
    return [text for each in value for text in texts(each)] if isinstance(value, list) else []


class Slack(Chat):
    """One workspace with one channel."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.pictures: list[tuple[bytes, dict[str, Any]]] = []
        self._pace = Pace(clock, 1.0, 3)
        self._files: dict[str, tuple[int, bytes | None]] = {}

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/api/chat.postMessage", self._post)
        app.router.add_post("/api/files.getUploadURLExternal", self._place)
        app.router.add_post("/upload/{file}", self._upload)
        app.router.add_post("/api/files.completeUploadExternal", self._complete)
        app.router.add_post(HOOK, self._hook)

    def _no(self, error: str) -> web.Response:
        return self.refuse(error, web.json_response({"ok": False, "error": error}))

    def _entry(self, request: web.Request) -> web.Response | None:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._no("invalid_auth")
        return None

    async def _post(self, request: web.Request) -> web.Response:
        if (wrong := self._entry(request)) is not None:
            return wrong
        told = await request.json()
        if told.get("channel") not in (CHANNEL, "#oncall"):
            return self._no("channel_not_found")
        if not told.get("text") or len(told["text"]) > 40_000:
            return self._no("msg_too_long")
        if wrong_blocks := wrong_with_blocks(told.get("blocks")):
            return self._no(f"invalid_blocks: {wrong_blocks}")
        thread = told.get("thread_ts")
        if thread is not None and not any(each["ts"] == thread and "thread_ts" not in each for each in self.messages):
            return self._no("thread_not_found")
        if not self._pace.bears():
            return self.refuse("too fast", web.json_response({"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "1"}))
        ts = f"1700000000.{len(self.messages):06d}"
        self.messages.append({**told, "ts": ts})
        return web.json_response({"ok": True, "channel": CHANNEL, "ts": ts, "message": {"text": told["text"]}})

    async def _place(self, request: web.Request) -> web.Response:
        if (wrong := self._entry(request)) is not None:
            return wrong
        told = await request.post()
        if not told.get("filename") or not str(told.get("length", "")).isdecimal() or len(str(told.get("alt_txt", ""))) > 1000:
            return self._no("invalid_arguments")
        file = f"F{len(self._files):08d}"
        self._files[file] = (int(str(told["length"])), None)
        return web.json_response({"ok": True, "upload_url": f"{self.url}/upload/{file}?sig=canaryUploadSignature99", "file_id": file})

    async def _upload(self, request: web.Request) -> web.Response:
        file, content = request.match_info["file"], await request.read()
        if "Authorization" in request.headers:
            return self.refuse("the token was sent where it does not belong", web.Response(status=400))
        if file not in self._files or len(content) != self._files[file][0]:
            return self.refuse("another length than announced", web.Response(status=400))
        self._files[file] = (len(content), content)
        return web.Response(text=f"OK - {len(content)}")

    async def _complete(self, request: web.Request) -> web.Response:
        if (wrong := self._entry(request)) is not None:
            return wrong
        told = await request.json()
        content = self._files.get(told["files"][0]["id"], (0, None))[1]
        if content is None or told.get("channel_id") != CHANNEL:
            return self._no("file_not_found" if content is None else "channel_not_found")
        self.pictures.append((content, told))
        return web.json_response({"ok": True, "files": told["files"]})

    async def _hook(self, request: web.Request) -> web.Response:
        try:
            told = json.loads(await request.read())
        except ValueError:
            return self.refuse("invalid_payload", web.Response(status=400, text="invalid_payload"))
        wrong = wrong_with_blocks(told.get("blocks")) or ("" if told.get("text") else "no_text")
        if wrong:
            return self.refuse(wrong, web.Response(status=400, text="invalid_blocks"))
        self.messages.append(told)
        return web.Response(text="ok")
