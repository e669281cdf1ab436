"""`[bell]`: where Alertmanager's webhook is answered, who may ring it, and which chat destinations are told.

It rings only where `midwatch serve` listens for it (`listen` here, or `--alert-webhook`). Whoever may ring it may make midwatch
post, so there is no bell without a credential.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from console.config.backend import Credential
from console.config.errors import Path
from console.config.kinds import Endpoint, Name

Table = Mapping[str, Any]
Broken = Iterator[tuple[Path, str]]


class Bell(msgspec.Struct, frozen=True, kw_only=True):
    """Holds no secret itself, so its repr may be shown."""

    to: tuple[Name, ...]  # of [chat.NAME]: who is told of what is posted to `/`; `/NAME` is told to NAME alone
    auth: Credential  # what Alertmanager must send; bearer, basic, api_key or a header
    listen: Endpoint | None = None  # None: only with --alert-webhook


def bell(table: Table) -> Broken:
    """What must hold between its keys."""
    auth = table.get("auth")
    if isinstance(auth, dict) and "client_cert" in auth:
        yield ("auth", "client_cert"), "cannot be shown over plain HTTP: name bearer_file, or basic = { user, password_file }"
    to = table.get("to")
    if isinstance(to, list):
        if not to:
            yield ("to",), "must not be empty: name one [chat.NAME]"
        yield from ((("to", at), "is named twice") for at, name in enumerate(to) if name in to[:at])


def bells(config: Table) -> Broken:
    """What must hold between it and the rest: every destination is there."""
    found, chat = config.get("bell"), config.get("chat")
    named = found.get("to") if isinstance(found, dict) else None
    there = chat if isinstance(chat, dict) else {}
    for at, name in enumerate(named if isinstance(named, list) else ()):
        if isinstance(name, str) and name not in there:
            known = ", ".join(there) or "none"
            yield ("bell", "to", at), f"there is no [chat.{name}] (there are: {known})"
