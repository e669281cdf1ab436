"""Delivery directives (RFC 8216bis 6.2.5): which question comes next, and what its answer gives away.

A blocking reload asks for a part that does not exist yet, and a good server holds it until the part is there. Whether an answer
is a good one can be told from the question and the playlist alone; where the specification leaves room (a part past the end of
its segment, a segment that completes without a new part) the answer is taken as good.
"""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import msgspec

from console.model.observation import MediaFacts
from console.model.remark import Fact, Remark

CODE = "LL_BLOCK"
FAR_SEGMENTS = 20  # past the newest: more than two, whatever was published meanwhile
PATIENCE = 0.8  # of 3 T: a server's own clock may run differently when it gives up with 503
_OWN = "_HLS_"


class Ask(msgspec.Struct, frozen=True):
    """What a reload waits for."""

    msn: int
    part: int | None = None

    @property
    def directives(self) -> str:
        """As the query says it, in the order that 6.2.5 asks of clients, so that caches see one spelling."""
        return f"_HLS_msn={self.msn}" + (f"&_HLS_part={self.part}" if self.part is not None else "")

    @property
    def words(self) -> str:
        return f"segment {self.msn}" + (f" part {self.part}" if self.part is not None else "")


def following(facts: MediaFacts) -> Ask:
    """The next part after this copy. Past the end of a segment it means the first of the next one (6.2.5.2)."""
    return Ask(facts.newest_sequence + 1, facts.part_count)


def position(facts: MediaFacts) -> tuple[int, int]:
    """How far a copy is; it only ever grows."""
    return facts.newest_sequence, facts.part_count


def has(facts: MediaFacts, ask: Ask) -> bool:
    """Whether the copy holds what was asked for."""
    if facts.newest_sequence >= ask.msn or facts.has_endlist:
        return True
    return ask.part is not None and facts.newest_sequence == ask.msn - 1 and facts.part_count > ask.part


def asked(url: str, directives: str) -> str:
    """The URL with directives behind its own query, which may be a signature and stays as it is."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{directives}" if parts.query else directives, fragment=""))


def plain(url: str) -> str:
    """The URL without directives: what the same playlist is called by everybody."""
    if _OWN not in url:
        return url
    parts = urlsplit(url)
    kept = "&".join(word for word in parts.query.split("&") if not word.startswith(_OWN))
    return urlunsplit(parts._replace(query=kept))


def early(ask: Ask, facts: MediaFacts, elapsed_s: float, age_s: float | None, served_by: str) -> Remark | None:
    """An answer without what was asked for. One out of a cache is told as such: most often the cache's key is wrong, but it may
    as well have kept what its origin answered too early.
    """
    if has(facts, ask):
        return None
    shown = f"segment {facts.newest_sequence} and {facts.part_count} parts"
    is_cached = bool(age_s) or "hit" in served_by.lower()
    evidence: dict[str, Fact] = {"asked": ask.directives, "answered_s": round(elapsed_s, 3), "shown": shown}
    if is_cached:
        evidence["cached"] = served_by or f"Age {age_s:g}"
        old = f" {age_s:g} s old" if age_s else ""
        says = f"a cache answers a reload for {ask.words} with a copy{old} as if _HLS_msn were not in its key"
    else:
        says = f"a reload for {ask.words} is answered after {elapsed_s:.2f} s with {shown}"
    return Remark(CODE, 1.0, says[:160], evidence)


def refused(ask: Ask, status: int | None, words: str, elapsed_s: float, target_s: float) -> Remark | None:
    """A reload that failed though the plain playlist is answered. 503 is right when nothing came for three T."""
    patience_s = 3 * target_s
    if status == 503 and elapsed_s >= PATIENCE * patience_s:
        return None
    evidence: dict[str, Fact] = {"asked": ask.directives, "answered_s": round(elapsed_s, 3), "detail": words}
    if status is not None:
        evidence["status"] = status
    return Remark(CODE, 1.0, f"a reload for {ask.words} fails after {elapsed_s:.1f} s: {words}"[:120], evidence)


def held(ask: Ask, elapsed_s: float, is_there: bool) -> Remark:
    """A reload that was given up: the part is in the plain playlist, or three T passed without a 503."""
    why = "though the plain playlist has it" if is_there else "without the 503 that is due after 3 T"
    evidence: dict[str, Fact] = {"asked": ask.directives, "waited_s": round(elapsed_s, 1)}
    return Remark(CODE, 1.0, f"a reload for {ask.words} is held for {elapsed_s:.1f} s {why}", evidence)


def unrefused(directives: str, why: str, status: int | None, is_held: bool) -> Remark:
    """A question that must be answered 400 at once, and is not."""
    came = "is held" if is_held else f"is answered with {status}"
    evidence: dict[str, Fact] = {"asked": directives}
    if status is not None:
        evidence["status"] = status
    return Remark(CODE, 1.0, f"{why} {came} and not with 400", evidence)
