"""EXT-X-KEY (RFC 8216bis 4.4.4.4): what decrypts the segments after it, and whether the tag itself is right."""

from __future__ import annotations

import re

import msgspec

from console.probe.hls.attributes import attributes, quoted
from console.probe.hls.define import Variables, replaced

# 8216bis names the first four; the others are drafts of it that players in the field know
METHODS = ("NONE", "AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR", "AES-256", "AES-256-CTR", "AES-256-GCM")
_IV = re.compile(r"0[xX][0-9A-Fa-f]{1,32}")
_IDENTITY = "identity"


class Key(msgspec.Struct, frozen=True):
    """One EXT-X-KEY in force. `uri` is as written, variables not replaced: it may be a secret and is never told whole."""

    method: str
    uri: str = ""
    iv: str = ""  # as written, lower case; "" when it follows from the media sequence number
    keyformat: str = _IDENTITY
    fault: str = ""  # what is wrong with the tag, the end of a sentence; "" when nothing is

    @property
    def same(self) -> tuple[str, str, str, str]:
        """What two copies of a playlist must agree on; a query string is signed anew with every answer."""
        return self.method, self.uri.partition("?")[0], self.iv, self.keyformat

    @property
    def is_fetched(self) -> bool:
        """Whether its URI gives the key's bytes over HTTP: a DRM system's key format has a URI of its own kind."""
        return self.keyformat == _IDENTITY and bool(self.uri) and not self.uri.startswith(("skd:", "data:", "urn:"))


def key_of(text: str, variables: Variables) -> Key:
    """Reads the attribute list; never raises for a wrong one, because that is a fact to be told."""
    found = attributes(text)
    method = found.get("METHOD", "")
    uri, iv = found.get("URI", ""), found.get("IV", "")
    fault = ""
    if "{$" in iv:
        iv = replaced(iv, variables)
    if not method:
        fault = "EXT-X-KEY has no METHOD"
    elif method not in METHODS:
        fault = f"EXT-X-KEY has the METHOD {quoted(method)}, which does not exist"
    elif method != "NONE" and not uri:
        fault = f"EXT-X-KEY with METHOD {method} has no URI"
    elif iv and not _IV.fullmatch(iv):
        fault = f"EXT-X-KEY has the IV {quoted(iv)}, which is no 128-bit hexadecimal number"
    return Key(method[:32], uri, iv[:64].lower(), found.get("KEYFORMAT", _IDENTITY)[:128], fault)
