"""How bad a thing is, how good our knowledge of it is, and the marks that qualify a verdict."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Severity(StrEnum):
    """The verdict on a thing. UNKNOWN outranks OK: no data is never green."""

    OK = "OK"
    UNKNOWN = "UNKNOWN"
    WARN = "WARN"
    CRIT = "CRIT"

    @property
    def rank(self) -> int:
        """0 for OK up to 3 for CRIT, so that `max(..., key=rank)` is the worst."""
        return _RANK[self]

    @property
    def letter(self) -> str:
        """One cell on the screen, readable without colour: `C`, `W`, `?`, and a blank for OK."""
        return _LETTER[self]


_RANK = {Severity.OK: 0, Severity.UNKNOWN: 1, Severity.WARN: 2, Severity.CRIT: 3}
_LETTER = {Severity.OK: " ", Severity.UNKNOWN: "?", Severity.WARN: "W", Severity.CRIT: "C"}


def worst(severities: Iterable[Severity], nothing: Severity = Severity.OK) -> Severity:
    """The worst of many; `nothing` is the verdict on an empty collection, which the caller must choose knowingly."""
    return max(severities, key=lambda severity: severity.rank, default=nothing)


class State(StrEnum):
    """How good our knowledge is: the state of a pane, a feed or a source (not of the thing it watches)."""

    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    PARTIAL = "partial"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Of several inputs the worst state is told: live < partial < stale < connecting < error."""
        return _STATE_RANK[self]


_STATE_RANK = {State.LIVE: 0, State.PARTIAL: 1, State.STALE: 2, State.CONNECTING: 3, State.ERROR: 4}


class Mark(StrEnum):
    """Qualifies a verdict without being one: a channel that is OFFLINE by its schedule is no alarm."""

    NONE = "none"
    OFFLINE = "OFFLINE"
    MAINT = "MAINT"
    ENDED = "ENDED"
    FLAPPING = "FLAPPING"


class Layer(StrEnum):
    """Where on the way from the camera to the viewer a fault lies."""

    INGEST = "ingest"
    TRANSCODE = "transcode"
    PACKAGE = "package"
    ORIGIN = "origin"
    EDGE = "edge"
    DRM = "drm"
    SCHEDULE = "schedule"
    PROBE = "probe"
    SOURCE = "source"
