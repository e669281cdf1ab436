"""Free text on its way into a record: short, encodable, and without what looks like a credential.

A reason typed by a person and the words of a server are the only places where a secret could enter a record, since all
other fields are names and numbers. This is the second line: it knows the shapes of credentials, not their content, and a
password that looks like a word passes. The first line is that nobody hands one in.
"""

from __future__ import annotations

import re
from typing import ClassVar

import msgspec

LIMIT = 2000
NAME_LIMIT = 512  # characters of a name, a target or a value; Kubernetes allows 253 and 63 for their parts
HIDDEN = "[redacted]"
_SLACK = 4  # of a longer text this many times the limit is looked at; the classes below are linear in it

# Every pattern below holds one of these words: most texts have none of them and are done at once.
_WORDS = (
    *("-----begin", "eyj", "xox", "gh", "glpat", "akia", "bearer", "basic", "apikey", "digest", "negotiate", "passw"),
    *("passphrase", "secret", "token", "api_key", "api-key", "authorization", "cookie", "signature", "://"),
)
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----.*?(?:-----END [A-Z0-9 ]{1,40}-----|\Z)", re.DOTALL)
_TOKEN = re.compile(
    r"\beyJ[\w-]{8,}(?:\.[\w-]*){1,4}"  # a JSON web token
    r"|\bxox[a-z]-[\w-]{8,}|\bgh[a-z]_\w{16,}|\bglpat-[\w-]{16,}|\bAKIA[0-9A-Z]{16}\b"
)
_SCHEME = re.compile(r"(?i)\b(bearer|basic|apikey|digest|negotiate)\s+[\w.~+/=-]{6,}")
_NAMED = re.compile(
    r"(?i)(\b[\w-]{0,40}(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|authorization|cookie|signature)"
    r"[\w-]{0,20}[\"']?\s{0,3}[=:]\s{0,3})(?:\"[^\"]*\"|'[^']*'|[^\s,;&\"'}]+)"
)
_URL = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/?#@\"'<>]*@)?([^\s/?#\"'<>]*)([^\s?#\"'<>]*)[^\s\"'<>]*")


def said(text: str, limit: int = LIMIT) -> str:
    """Text as it may be kept: at most `limit` characters, `…` where it was cut. The same text again comes out unchanged."""
    is_cut = len(text) > limit * _SLACK
    text = encodable(text[: limit * _SLACK])
    lowered = text.lower()
    if any(word in lowered for word in _WORDS):
        text = _hidden(text)
    return text[: limit - 1] + "…" if is_cut or len(text) > limit else text


def _hidden(text: str) -> str:
    text = _PEM.sub(HIDDEN, text)
    text = _URL.sub(r"\1\2\3", text)  # user and password before the host, and the query, where tokens travel
    text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    return _TOKEN.sub(HIDDEN, text)


def encodable(text: str) -> str:
    """Half a surrogate pair, as Python makes of bad bytes, is no character and cannot be written as UTF-8."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


class Kept(msgspec.Struct, frozen=True):
    """A struct whose texts are fit to be kept. `FREE` names the fields that hold words of a person or a server, `EXACT`
    those that would be of no use cut short: a value that is to be restored, a target that is to be found again.
    """

    FREE: ClassVar[frozenset[str]] = frozenset()
    EXACT: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        """Raises ValueError for an exact text that is too long."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if not isinstance(value, str):
                continue
            if name in self.EXACT and len(value) > NAME_LIMIT:
                raise ValueError(f"audit: {name} has {len(value)} characters, at most {NAME_LIMIT} are kept")
            kept = said(value) if name in self.FREE else encodable(value[:NAME_LIMIT])
            if kept != value:
                msgspec.structs.force_setattr(self, name, kept)
