"""`[chat.NAME]`: one place to which snapshots and alerts are posted, and by what right.

An address that lets anybody post who knows it (a Slack or Feishu webhook, everything apprise speaks to) is a secret and is
never written here: `url_file`, `url_env` or `url_command` say where it is. Plain `url` is for addresses that are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from console.config.errors import Path
from console.config.kinds import Command, Name, Proxy, ReadableFile, Seconds, SecretFile, Url

Table = Mapping[str, Any]
Broken = Iterator[tuple[Path, str]]
Rate = Annotated[float, msgspec.Meta(gt=0, le=50, description="messages per second")]
FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")  # its queue is a directory of this name
PLACES = ("_file", "_env", "_command")


class ChatKind(StrEnum):
    """What speaks at the other end."""

    SLACK = "slack"  # the Web API, as a bot: threads and pictures
    SLACK_WEBHOOK = "slack-webhook"  # an incoming webhook: text into one channel
    FEISHU = "feishu"  # a custom bot of a group; pictures only with an app beside it
    LARK = "lark"  # the same outside China
    WEBHOOK = "webhook"  # the snapshot's JSON to any address, signed
    APPRISE = "apprise"  # everything else, by the library of that name


class ChatDestination(msgspec.Struct, frozen=True, kw_only=True):
    """One destination. Holds no secret itself, so its repr may be shown."""

    kind: ChatKind
    url: Url | None = None  # slack, feishu, lark: of the API, where it is not the usual one; webhook: where to post
    url_file: SecretFile | None = None  # slack-webhook, feishu, lark, webhook, apprise: the address that is a secret
    url_env: Name | None = None
    url_command: Command | None = None
    token_file: SecretFile | None = None  # slack: the bot's (xoxb-...); webhook: a bearer token
    token_env: Name | None = None
    token_command: Command | None = None
    secret_file: SecretFile | None = None  # feishu, lark, webhook: what signs
    secret_env: Name | None = None
    secret_command: Command | None = None
    app_id: Name | None = None  # feishu, lark: the app that may upload pictures
    app_secret_file: SecretFile | None = None
    app_secret_env: Name | None = None
    app_secret_command: Command | None = None
    channel: Name | None = None  # slack: its id, C0123456789
    rate: Rate | None = None  # None: what the service is known to bear
    ca_file: ReadableFile | None = None
    proxy: Proxy | None = None
    timeout_s: Seconds = 10.0


_HAS_ADDRESS = {
    ChatKind.SLACK_WEBHOOK: "the webhook's address lets anybody post who knows it: name the place of it",
    ChatKind.FEISHU: "the bot's address lets anybody post who knows it: name the place of it",
    ChatKind.LARK: "the bot's address lets anybody post who knows it: name the place of it",
    ChatKind.APPRISE: "an address of apprise holds tokens: name the place of it",
}
_TAKES = {
    ChatKind.SLACK: ("url", "token", "channel"),
    ChatKind.SLACK_WEBHOOK: ("url_",),
    ChatKind.FEISHU: ("url", "url_", "secret", "app_id", "app_secret"),
    ChatKind.LARK: ("url", "url_", "secret", "app_id", "app_secret"),
    ChatKind.WEBHOOK: ("url", "url_", "token", "secret"),
    ChatKind.APPRISE: ("url_",),
}
_OF_A_KIND = {"url": ("url",), "channel": ("channel",), "app_id": ("app_id",)} | {
    word: tuple(f"{word.rstrip('_')}{place}" for place in PLACES) for word in ("url_", "token", "secret", "app_secret")
}


def destination(table: Table) -> Broken:
    """What must hold between the keys of one `[chat.NAME]`."""
    try:
        kind = ChatKind(table.get("kind", ""))
    except ValueError:
        return  # told already
    for word, keys in _OF_A_KIND.items():
        given = [key for key in keys if key in table]
        for key in given if word not in _TAKES[kind] else given[1:]:
            if word in _TAKES[kind]:
                yield (key,), f"is given twice: `{given[0]}` is there already; keep one"
            else:
                yield (key,), f"means nothing to {kind.value}"
    if kind in _HAS_ADDRESS and not _any(table, "url_"):
        yield (), f"{_HAS_ADDRESS[kind]} (url_file, url_env or url_command)"
    if kind is ChatKind.SLACK:
        if not _any(table, "token"):
            yield (), "the bot's token is missing: give one of token_file, token_env, token_command"
        if "channel" not in table:
            yield (), "channel is missing: the id of the channel, like C0123456789"
    if kind is ChatKind.WEBHOOK:
        addresses = [key for key in ("url", *_OF_A_KIND["url_"]) if key in table]
        if not addresses:
            yield (), "the address is missing: give one of url, url_file, url_env, url_command"
        elif len(addresses) > 1 and "url" in table:
            yield (addresses[1],), "the address is given twice: `url` is there already; keep one"
    if _any(table, "app_secret") != ("app_id" in table) and kind in (ChatKind.FEISHU, ChatKind.LARK):
        yield (), "app_id and its app_secret_file (or _env, _command) go together"


def destinations(config: Table) -> Broken:
    """What must hold of the names under `[chat]`."""
    found = config.get("chat")
    for name in found if isinstance(found, dict) else ():
        if not FOLDER_NAME.fullmatch(name):
            yield ("chat", name), "a name has letters, digits, - and _ only, at most 63"


def _any(table: Table, word: str) -> bool:
    return any(key in table for key in _OF_A_KIND[word])
