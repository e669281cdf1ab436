"""The file of what was revoked: a list of ssh-keygen (`krl.py`), or lines that a person can write.

A line is a public key (of a person or of an authority, with which all goes that it signed), `SHA256:...` of one,
`serial: 7`, `serial: 7-12`, or `id: the id of certificates`, as in the input of `ssh-keygen -k`. Serials and ids of lines count
for every authority. A line that cannot be read makes the whole file broken.
"""

from __future__ import annotations

import re
from base64 import b64decode

from console.serve.door import krl
from console.serve.door.blob import Torn
from console.serve.door.keyline import Refusing
from console.serve.door.krl import OfAuthority, Revoked

_SERIALS = re.compile(r"serial:\s*(\d{1,20})(?:\s*-\s*(\d{1,20}))?", re.IGNORECASE)
_ID = re.compile(r"id:\s*(\S.*)", re.IGNORECASE)
_KEY = re.compile(r"(?:key:\s*)?((?:ssh-|sk-|ecdsa-)\S+)\s+([A-Za-z0-9+/=]+)(?:\s.*)?", re.IGNORECASE)
_HASH = re.compile(r"(?:hash:\s*|sha256:\s*(?=SHA256:))?SHA256:([A-Za-z0-9+/]{43})=?", re.IGNORECASE)


def read(content: bytes) -> Revoked:
    """Everything that is revoked. Raises Refusing with the line, or with what is wrong with the list."""
    if content.startswith(krl.MAGIC[:6]):
        try:
            return krl.read(content)
        except Torn as wrong:
            raise Refusing(f"the revocation list cannot be read: {wrong}") from wrong
    try:
        lines = content.decode().splitlines()
    except UnicodeDecodeError as wrong:
        raise Refusing("is neither a list of ssh-keygen nor a text") from wrong
    found = Revoked.nothing()
    anyone = OfAuthority(b"", set(), [], [], set())
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not text.startswith("#"):
            _laid(text, number, found, anyone)
    found.certificates.append(anyone)
    return found


def _laid(text: str, number: int, found: Revoked, anyone: OfAuthority) -> None:
    if matched := _SERIALS.fullmatch(text):
        low = int(matched[1])
        high = int(matched[2] or low)
        if low == 0 or high < low:
            raise Refusing(f"line {number}: serial 0 says nothing, and a range begins with the smaller one")
        anyone.ranges.append((low, high))
    elif matched := _ID.fullmatch(text):
        anyone.ids.add(matched[1])
    elif matched := _HASH.fullmatch(text):
        found.sha256.add(b64decode(matched[1] + "="))
    elif matched := _KEY.fullmatch(text):
        try:
            found.keys.add(b64decode(matched[2], validate=True))
        except ValueError as wrong:
            raise Refusing(f"line {number}: the key cannot be read: {wrong}") from wrong
    else:
        raise Refusing(f"line {number}: {text[:40]!a} is neither a key, SHA256:..., serial: N nor id: NAME")
