"""A fault: what it bends, where, for how long, and what has to be said of it by when.

The expectation is reckoned from the specification and from the show alone: which code, on which layer, at which places, how grave,
how many seconds after the fault began at the latest (the time its trigger needs plus three polls), and which other codes it may
bring with it, because they are true as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from tests.streams.show import Copy, HlsShow, Rung
    from tests.streams.station import Reply

FOREVER_S = 1e9
CLEARED_S = 110.0  # after its end a fault of a T up to 6 s has been cleared everywhere
POLLS = 3
DELIVERY = frozenset({"DOWN", "FETCH_FAIL", "TIMEOUT", "NOT_PLAYLIST", "SEG_404", "SEG_LATE", "SEG_GONE", "SEG_SLOW", "CACHE_HDR"})
EDGE_QUORUM = 2 / 3
LATE = frozenset({"LATENCY", "SKEW"})  # what stands still is late, and out of step with what does not
UNFETCHED = frozenset({"SEG_404", "SEG_LATE", "SEG_GONE"})
UNHAD = frozenset({"FETCH_FAIL", "DOWN", "RENDITION_MISSING", "NOT_PLAYLIST", "TIMEOUT"})


class Where(msgspec.Struct, frozen=True):
    """What is asked for."""

    vantage: str
    kind: str  # master | media | segment | init | key
    rendition: str | None
    n: int = -1


class Expectation(msgspec.Struct, frozen=True):
    """What has to be said, and what may be. Seconds from the begin of the fault."""

    codes: frozenset[str]  # one of these at least
    layers: frozenset[str]
    within_s: float
    crit_within_s: float | None = None  # and CRIT by then
    renditions: frozenset[str] | None = None  # the finding names one of these or none; None: whatever it names
    vantages: frozenset[str] | None = None  # only these may be blamed; None: the fault is everywhere
    is_at_most_warn: bool = False
    may: frozenset[str] = frozenset()


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Bends a show from `start` (seconds since the epoch) for `length_s`, at `vantages`; "origin" is everywhere.

    `rendition` None: all of them.
    """

    start: float
    length_s: float = 24.0
    vantages: tuple[str, ...] = ("origin",)
    rendition: str | None = None

    @property
    def kind(self) -> str:
        return type(self).__name__

    @property
    def ends(self) -> float:
        return self.start + self.length_s

    def is_at(self, vantage: str, t: float) -> bool:
        return self.start <= t < self.ends and ("origin" in self.vantages or vantage in self.vantages)

    def concerns(self, where: Where) -> bool:
        return self.rendition is None or where.rendition is None or where.rendition == self.rendition

    # what may be bent; each is given what the faults before it left
    def shown_at(self, show: HlsShow, where: Where, t: float) -> float:
        """The time whose copy is shown at t."""
        return t

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        """The media playlist."""
        return copy

    def named(self, show: HlsShow, rungs: Sequence[Rung]) -> Sequence[Rung]:
        """The ladder as the master names it."""
        return rungs

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        """The answer to anything."""
        return reply

    def expected(self, show: HlsShow) -> Expectation:
        raise NotImplementedError

    # for expectations
    def period_s(self, show: HlsShow) -> float:
        """P of media playlists."""
        return max(1.0, show.style.target_s / 2)

    def polls_s(self, show: HlsShow) -> float:
        return POLLS * self.period_s(show)

    def next_segment_s(self, show: HlsShow, ahead: int = 0) -> float:
        """Until the first segment published after the begin is listed, or the one `ahead` of it."""
        return max(
            show.published(name, show.newest(name, self.start) + 1 + ahead) - self.start for name in self.names(show)
        )

    def names(self, show: HlsShow) -> tuple[str, ...]:
        """The renditions that it is about."""
        if self.rendition is not None:
            return (self.rendition,)
        return tuple(rung.name for rung in show.style.renditions if rung.kind != "iframe")

    def is_origins(self, show: HlsShow) -> bool:
        """Whether the place that counts as the origin is watched and shows it."""
        watched = show.style.vantages
        return ("origin" in self.vantages and "origin" in watched) or (len(watched) == 1 and bool(self.blamed(show)))

    def is_every_edge(self, show: HlsShow) -> bool:
        return not show.style.has_origin and len(self.blamed(show)) == len(show.style.edges) > 1

    def blamed(self, show: HlsShow) -> frozenset[str]:
        """The watched places that show it."""
        watched = frozenset(show.style.vantages)
        return watched if "origin" in self.vantages else frozenset(self.vantages) & watched

    def is_quorum(self, show: HlsShow) -> bool:
        return len(self.blamed(show)) >= EDGE_QUORUM * max(1, len(show.style.edges))

    def expects(
        self,
        show: HlsShow,
        codes: str | frozenset[str],
        within_s: float,
        crit_within_s: float | None = None,
        layer: str = "",
        may: frozenset[str] = frozenset(),
        is_of_master: bool = False,
        **more: Any,
    ) -> Expectation:
        """With the layer and the limits that follow from where the fault is; `layer` is that of a fault at the origin."""
        wanted = frozenset({codes}) if isinstance(codes, str) else codes
        at_origin = self.is_origins(show)
        layers = {"edge"}
        if at_origin:
            layers = {layer} if layer else {"origin" if code in DELIVERY else "package" for code in wanted}
        elif self.is_every_edge(show):  # nobody watches the origin, so nobody can say more than that it is everywhere
            layers |= {layer, "package"} if not wanted & DELIVERY else {"edge"}
        is_minor = layers == {"edge"} and not self.is_quorum(show)
        return Expectation(
            codes=wanted,
            layers=frozenset(layers),
            within_s=within_s,
            crit_within_s=None if is_minor else crit_within_s,
            renditions=None if is_of_master or self.rendition is None else frozenset({self.rendition}),
            vantages=None if at_origin or self.is_every_edge(show) else self.blamed(show),
            is_at_most_warn=is_minor,
            may=may,
            **more,
        )
