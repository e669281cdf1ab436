"""Free text on its way into a record: short, encodable, and without what looks like a credential.

A reason typed by a person and the words of a server are the only places where a secret could enter a record, since all
other fields are names and numbers. What looks like one is told by console/model/shapes.py.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from console.model.shapes import HIDDEN, LIMIT, encodable, said

__all__ = ["HIDDEN", "LIMIT", "NAME_LIMIT", "Kept", "encodable", "said"]

NAME_LIMIT = 512  # characters of a name, a target or a value; Kubernetes allows 253 and 63 for their parts


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
