"""A record on disk: an entry, its place in the chain, and the hash that ties it to the one before.

Canonical bytes are JSON with sorted keys, no blanks, UTF-8, and no fractions (RFC 8785 for the values used here). The hash
is SHA-256 over a zero byte and the canonical record without `event.hash`; the zero is RFC 6962's mark of a leaf, so that a
tree over the records stays possible. A line is accepted only if it is byte for byte what encoding it again gives: then no
byte of it can change without its hash changing too.

By hand: `sed -n 1p CHAIN | jq -cSj 'del(."event.hash")' | (printf '\\0'; cat) | sha256sum`.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from console.actions.audit.entry import Entry
from console.actions.audit.kinds import Known, Unread
from console.model.instant import Instant

ECS_VERSION = "8.17.0"
NOTHING = "0" * 64  # the hash before the first record
MAX_LINE = 4 * 1024 * 1024
_HASH = "event.hash"
_CANONICAL = msgspec.json.Encoder(order="sorted")


class Place(msgspec.Struct, frozen=True):
    """Who writes a chain: the same in each of its records."""

    chain: str
    host: str
    boot: str
    pid: int


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """Where a record stands and when it was sealed. `mono_us` runs on one clock for all processes of a boot."""

    at: datetime = msgspec.field(name="@timestamp")
    chain: str = msgspec.field(name="midwatch.chain")
    sequence: int = msgspec.field(name="event.sequence")
    prev: str = msgspec.field(name="midwatch.prev_hash")
    hash: str = msgspec.field(name="event.hash")
    mono_us: int = msgspec.field(name="midwatch.mono_us")
    host: str = msgspec.field(name="host.name")
    boot: str = msgspec.field(name="host.boot.id")
    pid: int = msgspec.field(name="process.pid")


class Record(msgspec.Struct, frozen=True):
    """A line that was found whole and in its place."""

    header: Header
    entry: Known | Unread
    line: bytes  # without its newline


class Broken(ValueError):
    """A complete line that is not what the chain says must stand here."""


def sealed(
    fields: dict[str, Any], kind: type[Entry], place: Place, sequence: int, prev: str, now: Instant
) -> tuple[bytes, str]:
    """The line for an entry's fields, with its newline, and its hash."""
    record = {
        **fields,
        "@timestamp": now.utc,
        "ecs.version": ECS_VERSION,
        "event.category": [kind.CATEGORY],
        "event.kind": "event",
        "event.sequence": sequence,
        "event.type": [kind.TYPE],
        "host.boot.id": place.boot,
        "host.name": place.host,
        "midwatch.chain": place.chain,
        "midwatch.mono_us": round(now.mono * 1e6),
        "midwatch.prev_hash": prev,
        "process.pid": place.pid,
        "service.name": "midwatch",
    }
    digest = _digest(record)
    record[_HASH] = digest
    return _CANONICAL.encode(record) + b"\n", digest


def opened(line: bytes, chain: str, sequence: int, prev: str) -> Record:
    """The record of a line without its newline, which must be number `sequence` of `chain` and follow `prev`.

    Raises Broken.
    """
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Broken(f"is no JSON ({wrong})") from wrong
    if not isinstance(fields, dict):
        raise Broken("is no record")
    digest = fields.pop(_HASH, None)
    if digest != _digest(fields):
        raise Broken("its hash does not fit its content")
    if _CANONICAL.encode({**fields, _HASH: digest}) != line:
        raise Broken("is not written as a record is written")
    try:
        header = msgspec.convert({**fields, _HASH: digest}, Header)
    except msgspec.ValidationError as wrong:
        raise Broken(f"lacks what every record has ({wrong})") from wrong
    if header.chain != chain:
        raise Broken("belongs to another chain")
    if header.sequence != sequence:
        raise Broken(f"says it is record {header.sequence}")
    if header.prev != prev:
        raise Broken("does not follow the record before it")
    try:
        entry: Known | Unread = msgspec.convert(fields, Known)
    except msgspec.ValidationError:
        action, op = fields.get("event.action"), fields.get("trace.id")
        entry = Unread(str(action or ""), op if isinstance(op, str) else "")
    return Record(header=header, entry=entry, line=line)


def _digest(record: dict[str, Any]) -> str:
    try:
        return hashlib.sha256(b"\0" + _CANONICAL.encode(record)).hexdigest()
    except (UnicodeEncodeError, OverflowError, RecursionError) as wrong:
        raise Broken(f"cannot be written again ({wrong})") from wrong
