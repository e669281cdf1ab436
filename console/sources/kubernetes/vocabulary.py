"""What objects say again and again, cleaned or parsed once: names of nodes, times to the second, sets of labels.

Twenty thousand pods name a few nodes, words and images, and the pods of one ReplicaSet carry the same labels byte
for byte. Making sense of each anew was more than half of what an object costs. All of it is foreign, so every
memory is bounded in entries and in the length of one; when it is full it starts again, which costs a little time
and never an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from sys import intern
from typing import TypeVar

import msgspec

from console.sources.kubernetes.wire import Owner
from console.sources.sanitise import clean

K = TypeVar("K", bound=str | bytes | None)
V = TypeVar("V")

NAME_LIMIT = 253
LABEL_LIMIT = 320  # prefix/name
LABELS_KEPT = 64
_OLDEST = datetime(1971, 1, 1, tzinfo=UTC)  # Go's zero time is year 1: it means "not set"


class Known(dict[K, V]):
    """`known[said]` is what `make(said)` gives, made once while it is remembered. An error of `make` is not."""

    def __init__(self, make: Callable[[K], V], entries: int, longest: int) -> None:
        super().__init__()
        self._make = make
        self._entries = entries
        self._longest = longest

    def __missing__(self, said: K) -> V:
        value = self._make(said)
        if said is None or len(said) <= self._longest:
            if len(self) >= self._entries:
                self.clear()
            self[said] = value
        return value


def timestamp(text: str | None) -> datetime | None:
    """RFC 3339 to aware UTC; None for absent, Go's zero time, and nonsense."""
    if not text or len(text) > 40:
        return None
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not UTC:  # what ends in Z is in UTC already, and that is what API servers write
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at >= _OLDEST else None


def shared(text: str | None, limit: int = NAME_LIMIT) -> str:
    """Cleaned, "" for absent, and one string for all objects that say it."""
    return intern(clean(text, limit)) if text else ""


def labels_of(labels: dict[str, str] | None) -> dict[str, str]:
    """The first LABELS_KEPT, cleaned."""
    if not labels:
        return {}
    kept = islice(labels.items(), LABELS_KEPT)
    return {_word(key, LABEL_LIMIT): _word(value, LABEL_LIMIT) for key, value in kept}


def tag_of(image: str | None) -> str | None:
    """The tag of an image; of a digest its first twelve digits; None for neither ("latest" is implied)."""
    if not image:
        return None
    name, _, digest = image.partition("@")
    _, colon, tag = name.rpartition("/")[2].partition(":")
    if colon and tag:
        return _word(tag)
    algorithm, _, hexadecimal = digest.partition(":")
    return _word(f"{algorithm}:{hexadecimal[:12]}") if hexadecimal else None


def owner_of(owners: list[Owner] | None) -> str | None:
    """ "ReplicaSet/packager-7c9d8b5f6d": the controller, else the first."""
    if not owners:
        return None
    chosen = next((owner for owner in owners if owner.controller), owners[0])
    return _word(f"{chosen.kind}/{chosen.name}")


def _word(text: str, limit: int = NAME_LIMIT) -> str:
    return WORDS[text] if len(text) <= NAME_LIMIT else shared(text, limit)


_LABELS = msgspec.json.Decoder(dict[str, str] | None)
_OWNERS = msgspec.json.Decoder(list[Owner] | None)


def _labels_in(raw: bytes) -> dict[str, str]:
    return labels_of(_LABELS.decode(raw))


def _owner_in(raw: bytes) -> str | None:
    return owner_of(_OWNERS.decode(raw))


# None and "" are "". At most some MB each, whatever is said.
WORDS: Known[str | None, str] = Known(shared, 8192, NAME_LIMIT)
TIMES: Known[str | None, datetime | None] = Known(timestamp, 8192, 40)
TAGS: Known[str | None, str | None] = Known(tag_of, 2048, NAME_LIMIT)
# By their bytes as they came: decoding them into a dict only to find that it is known would cost as much again.
# Whoever takes labels out must not change them: many pods share them.
LABELS: Known[bytes, dict[str, str]] = Known(_labels_in, 2048, 1024)
OWNERS: Known[bytes, str | None] = Known(_owner_in, 2048, 1024)
