"""Slack's Web API, as a bot (scopes chat:write and files:write; the bot must be in the channel).

A picture is three calls: an address for it, the bytes there, and its completion into the thread of its text. The address is
Slack's own choice and is believed only within slack.com or on the host that the API itself is on; the token is not sent there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import msgspec

from console.chat import slackblocks
from console.chat.keys import Keys
from console.chat.letter import Letter, Receipt
from console.chat.message import Message
from console.chat.outcome import Again, Answer, Delivered, Outcome, Refused, unwell
from console.chat.shown import Shown
from console.chat.wire import Wire
from console.sources.sanitise import clean
from console.sources.status import retry_after_of

API = "https://slack.com/api"
ALT = 1000
_AGAIN = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")
_BROKEN = (
    *("not_authed", "invalid_auth", "account_inactive", "token_revoked", "token_expired", "missing_scope", "no_permission"),
    *("channel_not_found", "not_in_channel", "is_archived", "org_login_required", "ekm_access_denied", "access_denied"),
)


class Slack:
    """chat.postMessage, and the three calls of a picture."""

    rate, burst = 1.0, 1  # one message a second and channel
    no_picture = ""
    has_threads = True

    def __init__(self, keys: Keys, wire: Wire, channel: str, api: str | None = None) -> None:
        self._keys = keys
        self._wire = wire
        self._channel = channel
        self._api = (api or API).rstrip("/")

    def shown(self, message: Message) -> Shown:
        return slackblocks.shown(message)

    async def text(self, letter: Letter, opener: Receipt | None, late_s: float) -> Outcome:
        told: dict[str, Any] = {
            "channel": opener.channel if opener is not None and opener.channel else self._channel,
            **slackblocks.said(letter.message, late_s),
            "mrkdwn": False,
            "link_names": False,
            "parse": "none",
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": "midwatch_snapshot", "event_payload": {"id": letter.id}},
        }
        if opener is not None and opener.ts:
            told["thread_ts"] = opener.ts
        answer = await self._called("chat.postMessage", told)
        if not isinstance(answer, dict):
            return answer
        ts, channel = str(answer.get("ts", "")), str(answer.get("channel", ""))
        # Of a thread only its first message may be answered, never an answer.
        root = opener.ts if opener is not None and opener.ts else ts
        return Delivered(Receipt(letter.id, letter.at, letter.thread, root, channel))

    async def picture(self, letter: Letter, picture: bytes, text: Receipt | None) -> Outcome:
        asked = {"filename": f"{letter.of}.png", "length": str(len(picture)), "alt_txt": letter.message.head[:ALT]}
        place = await self._called("files.getUploadURLExternal", asked, is_form=True)
        if not isinstance(place, dict):
            return place
        url, file = str(place.get("upload_url", "")), str(place.get("file_id", ""))
        if not file or not self._is_slack(url):
            return Refused("Slack named an address for the picture that is not Slack's: nothing was sent there")
        url = self._keys.learnt(url)  # whoever knows it may put another picture there
        sent = await self._wire.post(url, picture, {"Content-Type": "application/octet-stream"}, limit_s=60.0)
        wrong = unwell(sent)
        if wrong is not None:
            return wrong
        told: dict[str, Any] = {
            "files": [{"id": file, "title": f"{letter.of}.png"}],
            "channel_id": text.channel if text is not None and text.channel else self._channel,
            "initial_comment": f"picture of {letter.of}",
        }
        if text is not None and text.ts:
            told["thread_ts"] = text.ts
        done = await self._called("files.completeUploadExternal", told)
        return Delivered(Receipt(letter.id, letter.at)) if isinstance(done, dict) else done

    async def close(self) -> None:
        await self._wire.close()

    async def _called(
        self, method: str, told: Mapping[str, Any], *, is_form: bool = False
    ) -> dict[str, object] | Again | Refused:
        kind = "application/x-www-form-urlencoded" if is_form else "application/json; charset=utf-8"
        answer = await self._wire.post(
            f"{self._api}/{method}",
            urlencode(told).encode() if is_form else msgspec.json.encode(told),
            {"Content-Type": kind, "Authorization": f"Bearer {await self._keys.token()}"},
        )
        return _read(method, answer)

    def _is_slack(self, url: str) -> bool:
        try:
            there, ours = urlsplit(url), urlsplit(self._api)
            host = there.hostname or ""
            own = (there.scheme, host, there.port) == (ours.scheme, ours.hostname, ours.port)
        except ValueError:
            return False
        return own or (there.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com")))


def _read(method: str, answer: Answer) -> dict[str, object] | Again | Refused:
    wrong = unwell(answer)
    if wrong is not None:
        return wrong
    told = answer.json()
    if told is None or not isinstance(told.get("ok"), bool):
        return Again(f"{method}: an answer that Slack does not give")
    if told["ok"]:
        return told
    word = clean(str(told.get("error", "no reason")), 80)
    if word in _AGAIN:
        return Again(f"{method}: {word}", retry_after_of(answer.headers), is_throttled="rate" in word and "limited" in word)
    needed = told.get("needed")
    hint = f" (needs the scope {clean(str(needed), 80)})" if word == "missing_scope" and needed else ""
    return Refused(f"{method}: {word}{hint}", is_broken=word in _BROKEN)
