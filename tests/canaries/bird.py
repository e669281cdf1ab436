"""What a canary looks like. Two kinds: words that only the configuration gives away, and what has the shape of a credential."""

from __future__ import annotations

import base64
import json
from hashlib import blake2b

_LETTERS = "abcdefghijkmnpqrstuvwxyz"
_BASE62 = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789"


def _bytes(place: str, size: int) -> bytes:
    return blake2b(place.encode(), digest_size=size, person=b"canary").digest()


def word(place: str) -> str:
    """Looks like nothing: letters only, as a password that somebody made up."""
    drawn = "".join(_LETTERS[each % len(_LETTERS)] for each in _bytes(place, 12))
    return f"canary-{drawn}"


def token(place: str) -> str:
    """Looks random, as what a machine made: 24 characters of three classes, never two of one class in a row."""
    classes = ("ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnpqrstuvwxyz", "23456789")
    return "".join(classes[at % 3][each % len(classes[at % 3])] for at, each in enumerate(_bytes(place, 24)))


def jwt(place: str) -> str:
    """A JSON web token that nobody signed."""
    parts = ({"alg": "RS256"}, {"sub": word(place)})
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return f"{head}.{body}.{token(place)}"
