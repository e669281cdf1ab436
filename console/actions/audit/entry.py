"""What is common to all entries: who, and that nothing untyped gets in.

An entry is what its author says; the journal adds where it stands in the chain and when (`record.py`). Field names on disk
are those of the Elastic Common Schema, written with dots, and `midwatch.` for what that schema has no word for.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from console.actions.audit.operation import Actor
from console.actions.audit.redaction import Kept


class Unwritable(ValueError):
    """An entry that is not what its type says, or is too large. The fault is its author's; the journal goes on."""


class Entry(Kept, frozen=True, kw_only=True, omit_defaults=True, tag_field="event.action", tag="entry"):
    """One thing that happened."""

    CATEGORY: ClassVar[str] = "configuration"  # ECS event.category
    TYPE: ClassVar[str] = "info"  # ECS event.type

    by: Actor | None = msgspec.field(default=None, name="user")


class OperationEntry(Entry, frozen=True, kw_only=True, tag="operation"):
    """Something that happened to one operation."""

    op: str = msgspec.field(name="trace.id")


def fields_of(entry: Entry) -> dict[str, Any]:
    """The entry as what JSON can say, checked against its own types: a struct does not check what it is built from.

    Raises Unwritable.
    """
    try:
        # Raw bytes would pass as text in base64, out of the sight of every rule about texts.
        fields: dict[str, Any] = msgspec.to_builtins(entry, builtin_types=(bytes, bytearray, memoryview))
        msgspec.convert(fields, type(entry))
    except (TypeError, ValueError) as wrong:  # msgspec's own errors are both
        raise Unwritable(f"audit: {type(entry).__name__} cannot be recorded: {wrong}") from wrong
    return fields
