"""What a session may read of a site: namespaces of Kubernetes and indices of logs, as globs.

The roles of a policy give it (`actions/policy/roles.py`), and the desk shows no more than it (`feeds/sight.py`). A name that no
pattern covers is not seen; what has no namespace at all (a node, a channel, a gauge) is no matter of namespaces.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

import msgspec

ALL = "*"
_BACKING = re.compile(r"\.ds-(.+)-\d{4}\.\d{2}\.\d{2}-\d{6,}")  # the index behind a data stream, which roles name by the stream


class Sight(msgspec.Struct, frozen=True):
    """Equal rights are equal sights, so that those who may read the same share one pane: make one by `of`."""

    namespaces: tuple[str, ...] = (ALL,)
    indices: tuple[str, ...] = (ALL,)
    parts: tuple[Sight, ...] = ()  # of several roles, each with its own: one that reads a line must cover all of it

    @classmethod
    def of(cls, parts: Iterable[tuple[Iterable[str], Iterable[str]]]) -> Sight:
        """The union of (namespaces, indices), one pair a role; of none, one that reads nothing."""
        told = {(_ordered(namespaces), _ordered(indices)) for namespaces, indices in parts}
        if ((ALL,), (ALL,)) in told:
            return EVERYTHING
        whole = cls(
            _ordered(name for namespaces, _ in told for name in namespaces),
            _ordered(name for _, indices in told for name in indices),
        )
        if (whole.namespaces, whole.indices) in told:  # one of them covers what the others do
            return whole
        return msgspec.structs.replace(whole, parts=tuple(cls(*pair) for pair in sorted(told)))

    @property
    def is_everything(self) -> bool:
        """Nothing is hidden from it."""
        return self.reads_all_namespaces and self.reads_all_indices and not self.parts

    @property
    def reads_all_namespaces(self) -> bool:
        return ALL in self.namespaces

    @property
    def reads_all_indices(self) -> bool:
        return ALL in self.indices

    def reads(self, namespace: str) -> bool:
        """Whether what is in this namespace may be seen."""
        return any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)

    def reads_index(self, index: str) -> bool:
        """Whether lines of this index (`_index` of a document) may be seen; a data stream's by the name of the stream too."""
        backing = _BACKING.fullmatch(index)
        names = (index, backing[1]) if backing is not None else (index,)
        return any(fnmatchcase(name, pattern) for name in names for pattern in self.indices)

    def reads_line(self, namespace: str | None, index: str) -> bool:
        """Whether one role covers both; of a line without a namespace, its index."""
        if self.parts:
            return any(part.reads_line(namespace, index) for part in self.parts)
        return self.reads_index(index) and (namespace is None or self.reads(namespace))


def _ordered(names: Iterable[str]) -> tuple[str, ...]:
    told = set(names)
    return (ALL,) if ALL in told else tuple(sorted(told))


EVERYTHING = Sight()
