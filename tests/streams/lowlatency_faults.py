"""What breaks a low-latency channel: each fault bends the show of `lowlatency.py` and names the code that has to be said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.streams.station import Reply

if TYPE_CHECKING:
    from tests.streams.lowlatency import Copy, LowLatencyShow


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Bends a show from `start` (seconds since the epoch) on; `code` is what has to be said of it, `may` what is true as well."""

    start: float
    length_s: float = 1e9
    vantages: tuple[str, ...] = ()  # empty: everywhere

    code = ""
    may: frozenset[str] = frozenset()

    def is_at(self, vantage: str, t: float) -> bool:
        return self.start <= t < self.start + self.length_s and (not self.vantages or vantage in self.vantages)

    def part_s(self, show: LowLatencyShow, begins_at: float) -> float:
        """How long the part lasts that begins at this time of the media."""
        return show.style.part_s

    def stops_at(self) -> float:
        """From then on nothing is published."""
        return 1e18

    def has_parts(self, at: float) -> bool:
        """Whether a part that is published then is listed."""
        return True

    def copied(self, show: LowLatencyShow, rendition: str, copy: Copy, t: float) -> Copy:
        return copy

    def delta(self, show: LowLatencyShow, skipped: int) -> tuple[int, int]:
        """Of a delta update: what SKIPPED-SEGMENTS says, and how many segments are really left out."""
        return skipped, skipped

    def reloaded(self, show: LowLatencyShow, directives: dict[str, int], reply: Reply, plain: Reply) -> Reply:
        """The answer to a question with `_HLS_msn` or `_HLS_part`."""
        return reply

    def renumbered(self, t: float) -> int:
        """By how much MEDIA-SEQUENCE is another at t."""
        return 0

    def answered(self, reply: Reply) -> Reply:
        """Any answer for a playlist."""
        return reply

    @property
    def is_merging(self) -> bool:
        """Whether caches leave directives out of their key."""
        return False


class PartsLate(Fault, frozen=True, kw_only=True):
    """A part every `every_s`, as long as that."""

    every_s: float = 1.2
    code = "LL_PART_LATE"

    def part_s(self, show: LowLatencyShow, begins_at: float) -> float:
        return self.every_s if begins_at >= self.start else show.style.part_s


class PartsStopped(Fault, frozen=True, kw_only=True):
    """Segments go on, parts come no more."""

    code = "LL_PART_LATE"
    may = frozenset({"LL_HINT"})

    def has_parts(self, at: float) -> bool:
        return at < self.start


class Frozen(Fault, frozen=True, kw_only=True):
    """Nothing is published; reloads are held for 3 T and answered 503, as they should be."""

    code = "LL_PART_LATE"
    may = frozenset({"STALE", "LATENCY"})

    def stops_at(self) -> float:
        return self.start


class NoPatience(Frozen, frozen=True, kw_only=True):
    """The same, and the 503 never comes."""

    code = "LL_BLOCK"
    may = frozenset({"STALE", "LATENCY", "LL_PART_LATE"})

    def reloaded(self, show: LowLatencyShow, directives: dict[str, int], reply: Reply, plain: Reply) -> Reply:
        return msgspec.structs.replace(reply, delay_s=1e6) if reply.status == 503 else reply


class Early(Fault, frozen=True, kw_only=True):
    """A reload is answered at once, with what there is."""

    code = "LL_BLOCK"

    def reloaded(self, show: LowLatencyShow, directives: dict[str, int], reply: Reply, plain: Reply) -> Reply:
        return plain if reply.status == 200 else reply


class HeldForever(Fault, frozen=True, kw_only=True):
    """A reload is never answered."""

    code = "LL_BLOCK"

    def reloaded(self, show: LowLatencyShow, directives: dict[str, int], reply: Reply, plain: Reply) -> Reply:
        return msgspec.structs.replace(reply, delay_s=1e6)


class Merging(Fault, frozen=True, kw_only=True):
    """A cache that leaves `_HLS_*` out of its key."""

    code = "LL_BLOCK"
    may = frozenset({"LL_PART_LATE"})  # behind it parts come when its copy is made anew

    @property
    def is_merging(self) -> bool:
        return True


class Instead(Fault, frozen=True, kw_only=True):
    """Something else in answer to a reload."""

    reply: Reply = Reply(400, body=b"no\n")
    code = "LL_BLOCK"

    def reloaded(self, show: LowLatencyShow, directives: dict[str, int], reply: Reply, plain: Reply) -> Reply:
        return self.reply


class Unrefused(Fault, frozen=True, kw_only=True):
    """What must be answered 400 is answered: of `part` without msn, of `far` ahead; or held."""

    how: str = "part"
    is_held: bool = False
    code = "LL_BLOCK"

    def reloaded(self, show: LowLatencyShow, directives: dict[str, int], reply: Reply, plain: Reply) -> Reply:
        if reply.status != 400 or ("msn" in directives) is (self.how == "part"):
            return reply
        return msgspec.structs.replace(plain, delay_s=1e6) if self.is_held else plain


class WrongHint(Fault, frozen=True, kw_only=True):
    """The part that comes is never the one that was hinted at; `is_listed`: it is one that is listed already."""

    is_listed: bool = False
    code = "LL_HINT"

    def copied(self, show: LowLatencyShow, rendition: str, copy: Copy, t: float) -> Copy:
        n, k = copy.hint
        if self.is_listed:
            return msgspec.structs.replace(copy, hint=(n, k - 1)) if k else copy
        return msgspec.structs.replace(copy, hint=(n, k + 1))


class ReportsLag(Fault, frozen=True, kw_only=True):
    """RENDITION-REPORTs tell of `by` segments ago."""

    by: int = 4
    code = "LL_RR"

    def copied(self, show: LowLatencyShow, rendition: str, copy: Copy, t: float) -> Copy:
        return msgspec.structs.replace(copy, report_lag=self.by)


class WrongDelta(Fault, frozen=True, kw_only=True):
    """`shifted`: the segments after the skipped ones are one further on than the number says; `many`: more are skipped than a
    player has; `short`: what CAN-SKIP-UNTIL promises to list is skipped.
    """

    how: str = "shifted"
    code = "LL_SKIP"

    def delta(self, show: LowLatencyShow, skipped: int) -> tuple[int, int]:
        if self.how == "shifted":
            return skipped, skipped + 1
        if self.how == "many":
            return skipped + 500, skipped
        return skipped + 3, skipped + 3


class HoldBack(Fault, frozen=True, kw_only=True):
    """PART-HOLD-BACK is `parts` part targets."""

    parts: float = 2.5
    code = "LL_HOLD_BACK"
    may = frozenset({"LL_CTRL"})  # it was another before

    def copied(self, show: LowLatencyShow, rendition: str, copy: Copy, t: float) -> Copy:
        return msgspec.structs.replace(copy, part_hold_back_s=self.parts * show.style.part_s)


class OtherControl(Fault, frozen=True, kw_only=True):
    """One rendition has another SERVER-CONTROL than the others; from the begin of the night, so that nothing changes."""

    rendition: str = "480p"
    what: str = "hold_back"
    code = "LL_CTRL"

    def copied(self, show: LowLatencyShow, rendition: str, copy: Copy, t: float) -> Copy:
        if rendition != self.rendition:
            return copy
        if self.what == "hold_back":
            return msgspec.structs.replace(copy, part_hold_back_s=2 * copy.part_hold_back_s)
        return msgspec.structs.replace(copy, can_skip_until_s=(copy.can_skip_until_s or 0.0) + show.style.target_s)


class Restarted(Fault, frozen=True, kw_only=True):
    """A packager that begins to count anew; reloads by the old numbers are answered 400."""

    code = "MSEQ_BACK"
    may = frozenset({"EDGE_SKEW"})

    def renumbered(self, t: float) -> int:
        return -700 if t >= self.start else 0


class Left(Fault, frozen=True, kw_only=True):
    """Low latency is switched off."""

    code = "LL_CTRL"

    def copied(self, show: LowLatencyShow, rendition: str, copy: Copy, t: float) -> Copy:
        return msgspec.structs.replace(copy, is_plain=True, parts=0)

    def reloaded(self, show: LowLatencyShow, directives: dict[str, int], reply: Reply, plain: Reply) -> Reply:
        return plain


class Away(Fault, frozen=True, kw_only=True):
    """No playlist can be had, directives or not."""

    reply: Reply = Reply(503, body=b"overloaded\n", delay_s=0.01)
    code = "FETCH_FAIL"
    may = frozenset({"DOWN", "STALE", "LATENCY", "RENDITION_MISSING"})

    def answered(self, reply: Reply) -> Reply:
        return self.reply
