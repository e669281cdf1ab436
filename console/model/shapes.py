"""What has the shape of a credential, and a text without it.

This is the second line: it knows the shapes of credentials, not their content, and a password that looks like a word passes.
The first line is that nobody hands one in. Pure, linear in the text, and quick where there is nothing to find: it stands in the
way of every failure and every record.
"""

from __future__ import annotations

import re

LIMIT = 2000
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


# A server that quotes the request it refused: the query of a path without a host, and headers of a gateway's own.
_QUERY = re.compile(r"(?<=[\w/])\?[\w.~%-]{1,80}=[^\s\"'<>]*")
_HEADER = re.compile(r"(?i)([\"']?\bx-[\w-]{1,60}[\"']?\s{0,3}[=:]\s{0,3})(?:\"[^\"]*(?:\"|\Z)|'[^']*(?:'|\Z)|[^\s,;\"'}]+)")


def quoted(text: str, limit: int = LIMIT) -> str:
    """The words of a server in a failure: as `said`, and without what it quotes of our request."""
    text = said(text, limit)
    if "?" in text:
        text = _QUERY.sub(f"?{HIDDEN}", text)
    if "x-" in text.lower():
        text = _HEADER.sub(rf"\1{HIDDEN}", text)
    return text
