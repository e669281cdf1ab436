"""A letter: what waits in a queue, for one destination. Everything in it is fit to be read by anybody: redacted, inert."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from console.chat.message import Message

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
PICTURE_BYTES = 8 * 1024 * 1024  # every service takes as much; a PNG of 240x67 has 0.5 MB
PICTURE_OF = "-picture"  # behind the id of a text
_SPLIT = b"\n"


class LetterKind(StrEnum):
    """Text and picture travel apart, so that no text ever waits for a picture."""

    TEXT = "text"
    PICTURE = "picture"


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """`id` is the idempotency key: the same in every attempt, and readable in what arrives."""

    id: str
    kind: LetterKind
    at: datetime  # when it was posted: what lateness is reckoned from
    message: Message  # of a picture: its text's, for a title
    thread: str = ""  # letters of one name answer the first of them
    document: dict[str, Any] | None = None  # for programs: the snapshot's contract
    of: str = ""  # of a picture: the text's id

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.id):
            raise ValueError(f"a letter's id has letters, digits, - and _ only, at most 64: {self.id[:80]!r}")


class Receipt(msgspec.Struct, frozen=True, omit_defaults=True):
    """That a letter arrived, and how an answer to it is addressed. Kept so that nothing known to have arrived is sent again."""

    id: str
    at: datetime
    thread: str = ""
    ts: str = ""  # Slack's name of the message
    channel: str = ""  # Slack's id of the channel, whatever it was called in the configuration


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Letter)


def packed(letter: Letter, picture: bytes = b"") -> bytes:
    """One file's content: the letter as a line of JSON, and behind it the picture."""
    return _ENCODER.encode(letter) + _SPLIT + picture


def unpacked(content: bytes) -> tuple[Letter, bytes]:
    """The way back. Raises ValueError for what is no letter."""
    head, split, picture = content.partition(_SPLIT)
    if not split:
        raise ValueError("ends before its end")
    return _DECODER.decode(head), picture
