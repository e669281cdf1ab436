"""Whom the keys let in: a pure question to what the files said when they were read last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import msgspec

from console.serve.door import certificates
from console.serve.door.blob import Torn, Wire, fingerprint
from console.serve.door.keyline import KeyLine, weakness
from console.serve.door.krl import Revoked
from console.serve.door.refused import Denial, Why
from console.serve.person import Person

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._@+-]{0,63}")  # also the name of a file; compared as it is, character by character


class Trust(msgspec.Struct, frozen=True):
    """All that was read."""

    people: Mapping[str, tuple[KeyLine, ...]]
    authorities: frozenset[bytes]
    revoked: Revoked


class Grant(msgspec.Struct, frozen=True):
    """The one who bears this key is this person: once they prove that they bear it."""

    person: Person
    authority: bytes  # empty: a plain key
    may_have_pty: bool = True


NOBODY = Trust({}, frozenset(), Revoked.nothing())


def asked(trust: Trust, name: str, blob: bytes, address: str, now: datetime) -> Grant | Denial:
    """What this key or certificate is good for. No signature is looked at here."""
    if not NAME.fullmatch(name):
        return Denial(Why.UNKNOWN_PERSON, "is no name that a person has here")
    if certificates.is_certificate(blob):
        return _by_certificate(trust, name, blob, address, now)
    return _by_key(trust, name, blob, address, now)


def _by_certificate(trust: Trust, name: str, blob: bytes, address: str, now: datetime) -> Grant | Denial:
    try:
        found = certificates.read(blob)
    except Torn as wrong:
        return Denial(Why.UNREADABLE, f"a certificate that cannot be read: {wrong}"[:200])
    if (refused := certificates.refusal(found, name, address, trust.authorities, now)) is not None:
        return refused
    shown, revoked = fingerprint(found.key), trust.revoked
    if revoked.has_key(found.key) or revoked.has_key(found.authority):
        return Denial(Why.REVOKED, f"its key or its authority is revoked ({found.told})", shown)
    if revoked.has_certificate(found.authority, found.serial, found.id):
        return Denial(Why.REVOKED, f"is revoked by its serial or id ({found.told})", shown)
    return Grant(Person(name, shown, None, address, found.told), found.authority)


def _by_key(trust: Trust, name: str, blob: bytes, address: str, now: datetime) -> Grant | Denial:
    try:
        kind = Wire(blob).string()
    except Torn:
        return Denial(Why.UNREADABLE, "a key that cannot be read")
    shown = fingerprint(blob)
    if weak := weakness(blob):
        return Denial(Why.WEAK_KEY, weak, shown)
    if trust.revoked.has_key(blob):
        return Denial(Why.REVOKED, "the key is revoked", shown)
    lines = [line for line in trust.people.get(name, ()) if line.key == blob]
    if not lines:
        of_kind = f"({kind.decode('ascii', 'replace')})"
        if name not in trust.people:
            return Denial(Why.UNKNOWN_PERSON, f"there are no keys of {name} {of_kind}", shown)
        return Denial(Why.WRONG_KEY, f"not one of the keys of {name} {of_kind}", shown)
    refused: Denial | None = None
    for line in lines:  # the first that fits, as sshd takes it
        if line.expires_at is not None and now >= line.expires_at:
            refused = Denial(Why.EXPIRED, f"line {line.number} was good until {line.expires_at:%Y-%m-%d %H:%M:%SZ}", shown)
        elif not line.is_from(address):
            refused = Denial(Why.WRONG_ADDRESS, f"line {line.number} is not good from this address", shown)
        else:
            return Grant(Person(name, shown, line.roles, address), b"", line.may_have_pty)
    assert refused is not None
    return refused
