"""A receiver of signed webhooks, written from docs/chat.md alone: signature, age, idempotency, size."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from aiohttp import web

from console.model.instant import Clock
from tests.chat.posts import Chat

SECRET = "canary-webhook-signing-secret"
MAX_AGE_S = 300


class Receiver(Chat):
    """Its clock is ours."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.documents: dict[str, dict[str, Any]] = {}  # idempotency key -> the first of its kind
        self.pictures: dict[str, bytes] = {}
        self.repeated: list[str] = []

    def routes(self, app: web.Application) -> None:
        app.router.add_post("/take", self._take)

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        parts = dict(part.partition("=")[::2] for part in request.headers.get("Midwatch-Signature", "").split(","))
        made = hmac.new(SECRET.encode(), f"{parts.get('t')}.".encode() + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(made, parts.get("v1", "")):
            return self.refuse("signature", web.Response(status=401, text="signature"))
        if abs(self.clock.now().utc.timestamp() - int(parts["t"])) > MAX_AGE_S:
            return self.refuse("too old", web.Response(status=401, text="too old"))
        key = request.headers["Idempotency-Key"]
        if len(body) > 1_000_000 and request.content_type == "application/json":
            return self.refuse("too large", web.Response(status=413))
        taken: dict[str, Any] = self.pictures if request.content_type == "image/png" else self.documents
        if key in taken:
            self.repeated.append(key)
        else:
            taken[key] = body if request.content_type == "image/png" else json.loads(body)
        return web.json_response({"ok": True})
