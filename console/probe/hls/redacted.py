"""Foreign text that may be told: what could be credentials, a token or bytes is cut out of it, wherever it stands.

`console.probe.address.shown` does this for a URL. A broken playlist has URLs where none belong, in an IV or a number, so
everything that is quoted goes through here; better to show too little than a password.
"""

from __future__ import annotations

import re

from console.probe.address import printable, shown

_SECRETS = re.compile(r"(data:|://|[?&=])[^\s]*|[^\s]*@")
_WORD = re.compile(r"[A-Za-z0-9._+-]*")
_URN = re.compile(r"urn:uuid:[0-9A-Fa-f-]{1,40}", re.IGNORECASE)
_LOGIN = re.compile(r"[^/\s]*@")


def redacted(text: str, limit: int = 200) -> str:
    """Printable ASCII, at most `limit` characters, nothing behind a `?`, `&` or `=`, no login of a URL."""
    return printable(_SECRETS.sub(_shortened, text[: 4 * limit]), limit)


def _shortened(match: re.Match[str]) -> str:
    if match[1] == "://":
        return f"://{re.split('[?&=]', match[0][3:].rpartition('@')[2])[0]}"
    return f"{match[1] or ''}..."


def word(text: str, limit: int = 40) -> str:
    """What a number, a method or a key format may be quoted by: its first letters and digits; the rest is only hinted at."""
    if _URN.fullmatch(text):
        return text
    found = _WORD.match(text)
    run = found[0] if found is not None else ""
    return run[:limit] + ("..." if len(text) > len(run[:limit]) else "")


def uri_text(uri: str) -> str:
    """A URI as written, without credentials and query; its variables are not replaced."""
    return told_url(shown(uri))


def told_url(text: str) -> str:
    """A shown URL whose path holds another URL's login, or bytes, as broken ones do."""
    if "data:" in text:
        text = text.partition("data:")[0] + "data:..."
    return _LOGIN.sub("", text) if "@" in text else text
