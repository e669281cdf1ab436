"""What must not leave the house: credentials, wherever in a text they stand.

Two kinds are found: the secrets that this configuration names (by their value, whatever they look like), and whatever has the
shape of a credential. Better to show too little than a password: what looks random is hidden, names and numbers stay.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from console.model.shapes import HIDDEN, said
from console.sources.sanitise import ELLIPSIS, clean

LIMIT = 2000  # characters of one text
_SHORTEST_PART = 12  # characters of a part of an address: `open-apis` is none
SHORTEST = 6  # a secret of fewer characters would be found inside ordinary words
_URL = re.compile(r"(?i)([a-z][a-z0-9+.-]{0,20}://)([^\s\"'<>]*)")
_ASSIGNED = re.compile(r"=[^~;&/\s]*")  # hdnts=exp=17~acl=/*~hmac=ab
_HOOK = re.compile(r"(?i)(/(?:services|hook|hooks|webhook|webhooks|workflows|triggers|bot\d*)/)\S+")
_RUN = re.compile(r"[A-Za-z0-9_+/=-]{20,}|[A-Za-z0-9+=]{16,}")
_HEX = re.compile(r"[0-9a-fA-F]{32,}\Z")
_DIGITS = 2
_RESTLESS = 0.4  # of its characters follow one of another class; CamelCase with a number has less


class Redactor:
    """Hides what it knows and what looks like it. `learn` adds secrets as they are read."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known: list[str] = []
        for each in known:
            self.learn(each)

    @property
    def known(self) -> tuple[str, ...]:
        """Every form that is hidden. Secrets: never to be shown."""
        return tuple(self._known)

    def learn(self, secret: str) -> str:
        """The same secret, from now on hidden in every text, also as it stands in URLs and JSON."""
        for word in (secret, *_parts(secret)):
            for form in (word, quote(word, safe=""), quote(word), json.dumps(word)[1:-1], clean(word, LIMIT)):
                if len(form) >= SHORTEST and form not in self._known:
                    self._known.append(form)
        self._known.sort(key=len, reverse=True)
        return secret

    def __call__(self, text: str, limit: int = LIMIT) -> str:
        """One line, safe to show, at most `limit` characters, with `[redacted]` where a secret was."""
        text = self._without_known(clean(text, max(limit, LIMIT) * 2))
        text = _URL.sub(_address, text)
        text = said(text, max(limit, LIMIT) * 2)
        text = _RUN.sub(_random, text)
        return text if len(text) <= limit else text[: max(0, limit - 1)] + ELLIPSIS

    def deep(self, value: Any) -> Any:
        """The same for all texts in what JSON is made of, keys too."""
        return self._deep(value, {})

    def _deep(self, value: Any, seen: dict[str, str]) -> Any:
        """`seen`: most texts of a document stand in it many times."""
        if isinstance(value, str):
            if value not in seen:
                seen[value] = self(value)
            return seen[value]
        if isinstance(value, dict):
            return {self._deep(key, seen): self._deep(each, seen) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self._deep(each, seen) for each in value]
        return value

    def __repr__(self) -> str:
        return f"Redactor({len(self._known)} known)"

    def _without_known(self, text: str) -> str:
        for known in self._known:
            text = text.replace(known, HIDDEN)
        if ELLIPSIS not in text:
            return text
        pieces = text.split(ELLIPSIS)  # who cut the text before us may have cut a secret in two
        return ELLIPSIS.join([*(self._without_beginning(piece) for piece in pieces[:-1]), pieces[-1]])

    def _without_beginning(self, piece: str) -> str:
        for known in self._known:
            for size in range(min(len(known), len(piece)) - 1, SHORTEST - 1, -1):
                if piece.endswith(known[:size]):
                    return piece[:-size] + HIDDEN
        return piece


def _parts(secret: str) -> list[str]:
    """Of an address that is a secret, what makes it one: its path whole, and each part that is no plain word."""
    scheme, is_address, rest = secret.partition("://")
    if not is_address:
        return []
    place, _, path = rest.partition("/")
    parts = [path, *([] if scheme.lower() in ("http", "https") else [place])]
    parts += [part for part in re.split(r"[/?&=@:]", rest) if any(map(str.isdigit, part)) and part not in place]
    return [part for part in parts if len(part) >= _SHORTEST_PART]


def _address(match: re.Match[str]) -> str:
    """Scheme, host and path; no login, however oddly it is written, no query, nothing that a path is signed by."""
    rest = re.split(r"[?#]", match[2].rpartition("@")[2], maxsplit=1)[0]
    return match[1] + _HOOK.sub(rf"\1{HIDDEN}", _ASSIGNED.sub(f"={HIDDEN}", rest))


def _random(match: re.Match[str]) -> str:
    run = match[0]
    return run if "/" in run and all(not _is_random(part) for part in run.split("/")) else HIDDEN if _is_random(run) else run


def _is_random(run: str) -> bool:
    if len(run) < 16:
        return False
    if _HEX.match(run) and any(character.isdigit() for character in run):
        return True
    kinds = [0 if each.islower() else 1 if each.isupper() else 2 if each.isdigit() else 3 for each in run]
    if not {0, 1, 2} <= set(kinds) or kinds.count(2) < _DIGITS:
        return False
    return sum(kinds[at] != kinds[at - 1] for at in range(1, len(kinds))) / len(kinds) >= _RESTLESS
