"""What an action is done to, as a person writes it: `kube:apac-1/live/deployment/packager`, `node:apac-1/worker-3`."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

import msgspec


class TargetKind(StrEnum):
    """The word before the colon."""

    KUBE = "kube"  # CLUSTER/NAMESPACE/KIND/NAME
    NODE = "node"  # CLUSTER/NAME
    INCIDENT = "incident"  # ID
    ALERT = "alert"  # FINGERPRINT
    SILENCE = "silence"  # ID
    HAPROXY = "haproxy"  # NAME/BACKEND/SERVER, NAME of the group of balancers
    SWITCH = "switch"  # NAME of a templated HTTP action


_SHAPES = {
    TargetKind.KUBE: "CLUSTER/NAMESPACE/KIND/NAME",
    TargetKind.NODE: "CLUSTER/NAME",
    TargetKind.INCIDENT: "ID",
    TargetKind.ALERT: "FINGERPRINT",
    TargetKind.SILENCE: "ID",
    TargetKind.HAPROXY: "NAME/BACKEND/SERVER",
    TargetKind.SWITCH: "NAME",
}


def shape(kind: TargetKind) -> str:
    """What follows the colon: CLUSTER/NAMESPACE/KIND/NAME."""
    return _SHAPES[kind]


class BadTarget(ValueError):
    """A text that names no target; says what shape one has."""


class Target(msgspec.Struct, frozen=True):
    """One thing. `path` has as many parts as its kind's shape; each is what the outside system calls it."""

    kind: TargetKind
    path: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Target:
        """Raises BadTarget. Names are compared as they are: what is not ASCII is refused, not folded.

        A Cyrillic letter in a name that looks Latin would otherwise be confirmed by typing another name.
        """
        word, colon, rest = text.partition(":")
        try:
            kind = TargetKind(word)
        except ValueError:
            known = ", ".join(f"{kind}:{shape}" for kind, shape in _SHAPES.items())
            raise BadTarget(f"{_shown(text)} names no target; one is written {known}") from None
        path = tuple(rest.split("/"))
        if not colon or len(path) != len(_SHAPES[kind].split("/")) or not all(path):
            raise BadTarget(f"{_shown(text)} is not {kind}:{_SHAPES[kind]}")
        foreign = next((character for character in rest if not "!" <= character <= "~"), None)
        if foreign is not None:
            name = unicodedata.name(foreign, f"U+{ord(foreign):04X}")
            raise BadTarget(f"{_shown(text)} holds {name}, which looks like another character or like none")
        return cls(kind, path)

    @property
    def text(self) -> str:
        """As it is written, parsed back to the same."""
        return f"{self.kind}:{'/'.join(self.path)}"

    @property
    def name(self) -> str:
        """The last part: what people call it."""
        return self.path[-1]

    @property
    def full_name(self) -> str:
        """What is typed to confirm tier high: all that makes it this one and no other. The kind of object is not
        part of it, the cluster is.
        """
        if self.kind is TargetKind.KUBE:
            cluster, namespace, _, name = self.path
            return f"{cluster}/{namespace}/{name}"
        return "/".join(self.path)

    @property
    def cluster(self) -> str:
        """The Kubernetes cluster; empty for what is in none."""
        return self.path[0] if self.kind in (TargetKind.KUBE, TargetKind.NODE) else ""

    @property
    def namespace(self) -> str:
        return self.path[1] if self.kind is TargetKind.KUBE else ""

    @property
    def object_kind(self) -> str:
        """`deployment`, `pod`; `node` for a node; empty outside Kubernetes."""
        if self.kind is TargetKind.KUBE:
            return self.path[2]
        return "node" if self.kind is TargetKind.NODE else ""


def _shown(text: str) -> str:
    """Foreign characters as their code points, so that an error about one cannot itself deceive."""
    safe = "".join(char if " " <= char <= "~" else f"<U+{ord(char):04X}>" for char in text[:120])
    return repr(safe)
