"""Feishu, and Lark outside China: a custom bot of one group, and an app beside it that may upload pictures.

The bot's address is all that posting needs, and its signature where the group asks for one. The bot itself cannot take a
picture: an `image_key` is given only to an app (im:resource), by its tenant_access_token. Without an app text is posted alone.
A custom bot's messages have no names that it is told, so there are no threads: each message names its own id.

Errors come as HTTP 200 with a `code`. Limits: 20 kB a request, 100 requests a minute and 5 a second for one bot.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from typing import Any

import msgspec

from console.chat.keys import Keys
from console.chat.letter import Letter, Receipt
from console.chat.message import Message, fitted, late
from console.chat.outcome import Again, Answer, Delivered, Outcome, Refused, unwell
from console.chat.shown import Shown
from console.chat.wire import Wire
from console.model.instant import Clock
from console.sources.sanitise import clean
from console.sources.status import retry_after_of

APIS = {"feishu": "https://open.feishu.cn", "lark": "https://open.larksuite.com"}
REQUEST_BYTES = 20_000
SIGNED_BYTES = 200  # timestamp and signature beside the card
TITLE = 150
LINES = 4000  # characters of one text element
_COLOURS = {"CRIT": "red", "WARN": "orange", "UNKNOWN": "grey", "OK": "green"}
_THROTTLED = (11232, 11233, 9499001, 99991400)
_BAD_TOKEN = (99991661, 99991663, 99991664, 99991668, 99991671)
_MEANINGS = {
    19001: "the bot's address is not known there",
    19021: "the signature does not match, or our clock is more than an hour off",
    19022: "this machine's address is not on the bot's list",
    19024: "the bot asks for a keyword that the message does not hold",
    10003: "app_id or app_secret is wrong",
    10014: "app_id or app_secret is wrong",
}
_BROKEN = (*_MEANINGS, 19007)


def signature(at: int, secret: str) -> str:
    """Time and secret are the key, and nothing is the message: not what other services do."""
    return base64.b64encode(hmac.new(f"{at}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def card(message: Message, late_s: float = 0.0) -> dict[str, Any]:
    """A message as a card within the limit; its texts are plain_text, in which nothing is parsed."""
    return _card(_fit(message, late_s), late_s)


def _fit(message: Message, late_s: float) -> Message:
    return fitted(message, lambda each: len(msgspec.json.encode(_card(each, late_s))) <= REQUEST_BYTES - SIGNED_BYTES - 100)


def _card(message: Message, late_s: float) -> dict[str, Any]:
    elements: list[dict[str, Any]] = []
    for section in message.sections:
        lines = "\n".join(line.text for line in section.lines)
        elements.append({"tag": "div", "text": _plain(f"{section.title}\n{lines}"[:LINES])})
    elements += [{"tag": "hr"}] if elements else []
    foot = " · ".join(part for part in (late(late_s), message.foot) if part)
    elements.append({"tag": "note", "elements": [_plain(foot)]})
    return {
        "config": {"wide_screen_mode": True},
        "header": {"template": _COLOURS.get(message.severity, "grey"), "title": _plain(message.head[:TITLE])},
        "elements": elements,
    }


def _plain(text: str) -> dict[str, Any]:
    return {"tag": "plain_text", "content": text}


class Feishu:
    """The bot's address for both; the app's API for pictures alone."""

    rate, burst = 1.5, 3  # at most 4.5 within a second and 93 within a minute
    has_threads = False

    def __init__(self, keys: Keys, wire: Wire, clock: Clock, api: str, app_id: str | None) -> None:
        self._keys = keys
        self._wire = wire
        self._clock = clock
        self._api = api.rstrip("/")
        self._app_id = app_id
        self._token = ""
        self._token_until = 0.0
        self.no_picture = (
            "" if app_id else "a custom bot of Feishu takes no pictures: uploading needs an app (app_id, app_secret_file)"
        )

    def shown(self, message: Message) -> Shown:
        fit = _fit(message, 0.0)
        made = _card(fit, 0.0)
        lines: list[str] = [made["header"]["title"]["content"]]
        for element in made["elements"]:
            if element["tag"] == "div":
                lines += ["", *element["text"]["content"].split("\n")]
            elif element["tag"] == "note":
                lines += ["", *(each["content"] for each in element["elements"])]
        return Shown("\n".join(lines), len(msgspec.json.encode({"msg_type": "interactive", "card": made})), fit.left_out)

    async def text(self, letter: Letter, opener: Receipt | None, late_s: float) -> Outcome:
        return await self._posted(letter, {"msg_type": "interactive", "card": card(letter.message, late_s)})

    async def picture(self, letter: Letter, picture: bytes, text: Receipt | None) -> Outcome:
        if not self._app_id:
            return Refused(self.no_picture)
        key = await self._uploaded(letter, picture)
        if not isinstance(key, str):
            return key
        told = {
            "config": {"wide_screen_mode": True},
            "elements": [
                {"tag": "img", "img_key": key, "alt": _plain(letter.message.head[:TITLE])},
                {"tag": "note", "elements": [_plain(f"picture of {letter.of}")]},
            ],
        }
        return await self._posted(letter, {"msg_type": "interactive", "card": told})

    async def close(self) -> None:
        self._token = ""
        await self._wire.close()

    async def _posted(self, letter: Letter, told: dict[str, Any]) -> Outcome:
        secret = await self._keys.secret()
        if secret:
            at = int(self._clock.now().utc.timestamp())
            told = {"timestamp": str(at), "sign": signature(at, secret), **told}
        answer = await self._wire.post(await self._keys.address(), msgspec.json.encode(told), _JSON)
        read = _read("the bot", answer)
        return read if not isinstance(read, dict) else Delivered(Receipt(letter.id, letter.at, letter.thread))

    async def _uploaded(self, letter: Letter, picture: bytes) -> str | Again | Refused:
        for is_last in (False, True):
            token = await self._tenant_token()
            if not isinstance(token, str):
                return token
            boundary = uuid.uuid4().hex
            kind = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Authorization": f"Bearer {token}"}
            body = _form(boundary, f"{letter.of}.png", picture)
            answer = await self._wire.post(f"{self._api}/open-apis/im/v1/images", body, kind, limit_s=60.0)
            if _code(answer) in _BAD_TOKEN and not is_last:
                self._token = ""
                continue
            read = _read("uploading the picture", answer)
            if not isinstance(read, dict):
                return read
            data = read.get("data")
            key = data.get("image_key") if isinstance(data, dict) else None
            return key if isinstance(key, str) and key else Again("uploading the picture: an answer without image_key")
        return Again("uploading the picture: the app's token is refused")

    async def _tenant_token(self) -> str | Again | Refused:
        now = self._clock.now().mono
        if self._token and now < self._token_until:
            return self._token
        asked = {"app_id": self._app_id, "app_secret": await self._keys.app_secret()}
        url = f"{self._api}/open-apis/auth/v3/tenant_access_token/internal"
        read = _read("the app's token", await self._wire.post(url, msgspec.json.encode(asked), _JSON))
        if not isinstance(read, dict):
            return read
        token, expire = read.get("tenant_access_token"), read.get("expire")
        if not isinstance(token, str) or not token:
            return Again("the app's token: an answer without it")
        self._token = self._keys.learnt(token)
        self._token_until = now + max(0.0, (expire if isinstance(expire, int) else 0) - 60.0)
        return token


_JSON = {"Content-Type": "application/json; charset=utf-8"}


def _form(boundary: str, name: str, picture: bytes) -> bytes:
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="image_type"\r\n\r\nmessage\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    return head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()


def _code(answer: Answer) -> int | None:
    told = answer.json() or {}
    code = told.get("code", told.get("StatusCode"))
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _read(what: str, answer: Answer) -> dict[str, object] | Again | Refused:
    code = _code(answer)
    wrong = unwell(answer)
    if code is None:
        return wrong or Again(f"{what}: an answer that Feishu does not give")
    if code == 0:
        return wrong or answer.json() or {}
    words = clean(str((answer.json() or {}).get("msg", "")), 120)
    told = f"{what}: code {code}: {_MEANINGS.get(code) or words or 'no reason'}"
    if code in _THROTTLED or (answer.status or 0) >= 500 or answer.status == 429:
        return Again(told, retry_after_of(answer.headers), is_throttled=code in _THROTTLED or answer.status == 429)
    return Refused(told, is_broken=code in _BROKEN or answer.status in (401, 403))
