"""Faults of playlists: what stands in them, or when it gets there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from tests.streams.faults import FOREVER_S, LATE, UNFETCHED, Expectation, Fault, Where

if TYPE_CHECKING:
    from tests.streams.show import Copy, HlsShow, Rung, Segment

replaced = msgspec.structs.replace


class _OfMedia(Fault, frozen=True, kw_only=True):
    """A fault of media playlists."""

    def concerns(self, where: Where) -> bool:
        return where.kind == "media" and super().concerns(where)


class _OfNewSegments(_OfMedia, frozen=True, kw_only=True):
    """Segments published after the begin carry it."""

    def bent(self, show: HlsShow, segment: Segment, index: int) -> Segment:
        """`index` counts from the first of them."""
        raise NotImplementedError

    def first(self, show: HlsShow, rendition: str) -> int:
        return show.newest(rendition, self.start) + 1

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        assert where.rendition is not None
        first = self.first(show, where.rendition)
        segments = tuple(self.bent(show, each, each.n - first) if each.n >= first else each for each in copy.segments)
        return replaced(copy, segments=segments)


class Freeze(_OfMedia, frozen=True, kw_only=True):
    """The playlist stands still."""

    def shown_at(self, show: HlsShow, where: Where, t: float) -> float:
        return min(t, self.start)

    def expected(self, show: HlsShow) -> Expectation:
        target_s, period_s = show.style.target_s, self.period_s(show)
        top = show.style.ladder[0].name
        is_one = self.rendition is not None and len(self.names(show)) < len([r for r in show.style.renditions if r.kind != "iframe"])
        layer = "transcode" if is_one else "package"
        warn_s = 1.5 * target_s + period_s + (period_s if is_one else 0)  # replay scenarios 1 and 2
        crit_s = None if is_one and self.rendition != top else 3 * target_s + period_s
        may = LATE | UNFETCHED | {"EDGE_SKEW"} | ({"CACHE_HDR"} if not self.is_origins(show) else set())
        return self.expects(show, "STALE", warn_s, crit_s, layer, may)


class OldCopy(_OfMedia, frozen=True, kw_only=True):
    """An edge serves a copy that is `by` segments old, and goes on from there."""

    by: int = 5

    def shown_at(self, show: HlsShow, where: Where, t: float) -> float:
        return t - self.by * show.style.target_s

    def expected(self, show: HlsShow) -> Expectation:
        within_s = show.style.target_s + self.period_s(show)  # replay scenario 3: 6 s where T is 4 s
        return self.expects(show, frozenset({"EDGE_SKEW"}), within_s, may=LATE | UNFETCHED)


class Restart(_OfMedia, frozen=True, kw_only=True):
    """The encoder begins to number at 0 again, and says nothing of it."""

    length_s: float = FOREVER_S

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        assert where.rendition is not None
        base = show.newest(where.rendition, self.start) - show.style.window + 1
        return replaced(copy, media_sequence=copy.segments[0].n - base)

    def expected(self, show: HlsShow) -> Expectation:
        within_s = show.style.target_s + self.period_s(show)
        may = LATE | {"DSEQ", "EDGE_SKEW", "MUTATED"}
        return self.expects(show, "MSEQ_BACK", within_s, within_s, "package", may)


class SequenceJump(_OfMedia, frozen=True, kw_only=True):
    """MEDIA-SEQUENCE leaps on, further than the window is long, with the same segments."""

    length_s: float = FOREVER_S
    by: int = 60

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        return replaced(copy, media_sequence=copy.media_sequence + self.by)

    def expected(self, show: HlsShow) -> Expectation:
        return self.expects(show, "SEQ_JUMP", self.polls_s(show), layer="package", may=LATE | {"DSEQ", "MUTATED"})


class TooLong(_OfNewSegments, frozen=True, kw_only=True):
    """New segments are longer than the target duration."""

    by_s: float = 0.6

    def bent(self, show: HlsShow, segment: Segment, index: int) -> Segment:
        return replaced(segment, extinf_s=show.style.target_s + self.by_s)

    def expected(self, show: HlsShow) -> Expectation:
        within_s = self.next_segment_s(show) + self.polls_s(show)
        return self.expects(show, "TD_EXCEEDED", within_s, layer="package", may=LATE | {"PDT_JUMP", "MUTATED", "FUTURE", "SEG_BAD"})


class TargetChanged(_OfMedia, frozen=True, kw_only=True):
    """TARGETDURATION is another than before; of one rendition: renditions disagree, too."""

    by_s: float = 1.0

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        return replaced(copy, target_s=copy.target_s + self.by_s)

    def expected(self, show: HlsShow) -> Expectation:
        codes = frozenset({"TD_CHANGED"} if self.rendition is None else {"TD_CHANGED", "TD_DIFFERS"})
        return self.expects(show, codes, self.polls_s(show), layer="package", may=frozenset({"TD_DIFFERS", "WINDOW_SHORT"}))


class DiscontinuityLost(_OfMedia, frozen=True, kw_only=True):
    """DISCONTINUITY-SEQUENCE stays what it was although discontinuities leave the window."""

    length_s: float = FOREVER_S

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        assert where.rendition is not None
        then = show.breaks_before(show.newest(where.rendition, self.start) - show.style.window + 1)
        return replaced(copy, discontinuity_sequence=then)

    def expected(self, show: HlsShow) -> Expectation:
        leaves_s = 0.0
        for name in self.names(show):
            first = show.newest(name, self.start) - show.style.window + 1
            gone = show.next_break(first)
            leaves_s = max(leaves_s, show.published(name, gone + show.style.window) - self.start)
        return self.expects(show, "DSEQ", leaves_s + self.polls_s(show), layer="package", may=frozenset({"MUTATED"}))


class DiscontinuityWrong(_OfMedia, frozen=True, kw_only=True):
    """DISCONTINUITY-SEQUENCE is off by `by` at once."""

    by: int = -1
    length_s: float = FOREVER_S

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        return replaced(copy, discontinuity_sequence=max(0, copy.discontinuity_sequence + self.by))

    def expected(self, show: HlsShow) -> Expectation:
        return self.expects(show, "DSEQ", self.polls_s(show), layer="package", may=frozenset({"MUTATED"}))


class Mutated(_OfMedia, frozen=True, kw_only=True):
    """A segment in the middle of the window, published long ago, has another URI or EXTINF, or a tag more than before."""

    what: str = "uri"  # uri | extinf | tag

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        assert where.rendition is not None
        n = show.newest(where.rendition, self.start) - 2
        return replaced(copy, segments=tuple(self._changed(each) if each.n == n else each for each in copy.segments))

    def _changed(self, segment: Segment) -> Segment:
        if self.what == "uri":
            name, _, suffix = segment.uri.partition(".")
            return replaced(segment, uri=f"{name}-b.{suffix}")
        if self.what == "extinf":
            return replaced(segment, extinf_s=segment.extinf_s - 0.3)
        return replaced(segment, is_discontinuous=not segment.is_discontinuous)

    def expected(self, show: HlsShow) -> Expectation:
        may = frozenset({"DSEQ"}) if self.what == "tag" else frozenset()
        return self.expects(show, "MUTATED", self.polls_s(show), layer="package", may=may)


class ShortWindow(_OfMedia, frozen=True, kw_only=True):
    """Only the newest `left` segments are listed."""

    left: int = 2

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        gone = len(copy.segments) - self.left
        kept = copy.segments[gone:]
        return replaced(
            copy,
            segments=kept,
            media_sequence=copy.media_sequence + gone,
            discontinuity_sequence=show.breaks_before(kept[0].n),
        )

    def expected(self, show: HlsShow) -> Expectation:
        may = frozenset({"SEG_GONE", "MSEQ_BACK", "EDGE_SKEW", "DSEQ", "MUTATED"})  # when it heals, what was removed comes back
        return self.expects(show, "WINDOW_SHORT", self.polls_s(show), layer="package", may=may)


class Ended(_OfMedia, frozen=True, kw_only=True):
    """ENDLIST while the channel is on air."""

    def shown_at(self, show: HlsShow, where: Where, t: float) -> float:
        return min(t, self.start)

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        return replaced(copy, has_endlist=True)

    def expected(self, show: HlsShow) -> Expectation:
        within_s = show.style.target_s + self.period_s(show)  # replay scenario 11: 6 s where T is 4 s
        return self.expects(show, "UNEXPECTED_END", within_s, within_s, "schedule", LATE | {"STALE", "EDGE_SKEW", "MUTATED"})


class Typed(_OfMedia, frozen=True, kw_only=True):
    """PLAYLIST-TYPE on a window that slides."""

    playlist_type: str = "EVENT"

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        return replaced(copy, playlist_type=self.playlist_type)

    def expected(self, show: HlsShow) -> Expectation:
        # that the window slides under it is proven by the next segment that leaves
        return self.expects(show, "TYPE", self.next_segment_s(show) + self.polls_s(show), layer="package")


class DateJump(_OfNewSegments, frozen=True, kw_only=True):
    """PROGRAM-DATE-TIME jumps and says nothing of a discontinuity."""

    by_s: float = -3.0

    def first(self, show: HlsShow, rendition: str) -> int:
        n = super().first(show, rendition)
        return n + 1 if show.is_break(n) else n  # where a discontinuity is told, a jump is none

    def bent(self, show: HlsShow, segment: Segment, index: int) -> Segment:
        at = segment.at + self.by_s if segment.at is not None else None
        return replaced(segment, at=at, is_dated=segment.is_dated or index == 0)

    def expected(self, show: HlsShow) -> Expectation:
        may = LATE | {"EDGE_SKEW", "MUTATED"} | ({"FUTURE"} if self.by_s > 0 else set())
        shown_s = max(show.published(name, self.first(show, name)) for name in self.names(show)) - self.start
        return self.expects(show, "PDT_JUMP", shown_s + self.polls_s(show), layer="package", may=may)


class Future(_OfNewSegments, frozen=True, kw_only=True):
    """New segments are dated ahead of the clock, after a discontinuity."""

    by_s: float = 60.0
    length_s: float = FOREVER_S

    def bent(self, show: HlsShow, segment: Segment, index: int) -> Segment:
        return replaced(
            segment, at=(segment.at or 0.0) + self.by_s, is_dated=True, is_discontinuous=segment.is_discontinuous or index == 0
        )

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        assert where.rendition is not None
        first = self.first(show, where.rendition)
        bent = super().copied(show, where, copy, t)
        own = copy.segments[0].n > first and not show.is_break(first)  # the discontinuity that it brought has left
        return replaced(bent, discontinuity_sequence=copy.discontinuity_sequence + 1) if own else bent

    def expected(self, show: HlsShow) -> Expectation:
        may = LATE | {"PDT_JUMP", "EDGE_SKEW", "DSEQ"}
        return self.expects(show, "FUTURE", self.next_segment_s(show) + self.polls_s(show), layer="package", may=may)


class Late(Future, frozen=True, kw_only=True):
    """From here on the media is older by `by_t` target durations, honestly told by a discontinuity: LATENCY."""

    by_t: float = 7.0  # behind HOLD-BACK (3 T) and more, whatever the encoder's own delay

    def bent(self, show: HlsShow, segment: Segment, index: int) -> Segment:
        return replaced(super().bent(show, segment, index), at=(segment.at or 0.0) - self.by_t * show.style.target_s)

    def expected(self, show: HlsShow) -> Expectation:
        within_s = self.next_segment_s(show, ahead=1) + self.polls_s(show)  # a sample a segment, two of three
        return self.expects(show, "LATENCY", within_s, layer="package", may=frozenset({"SKEW", "EDGE_SKEW", "DSEQ", "PDT_JUMP"}))


class Lag(_OfMedia, frozen=True, kw_only=True):
    """One rendition loses `by_t` target durations and then keeps pace: SKEW."""

    by_t: float = 2.5
    length_s: float = FOREVER_S

    def shown_at(self, show: HlsShow, where: Where, t: float) -> float:
        return max(self.start, t - self.by_t * show.style.target_s)

    def expected(self, show: HlsShow) -> Expectation:
        # while it stands still it is stale and nothing else; then it moves again, and is behind
        within_s = self.by_t * show.style.target_s + self.next_segment_s(show) + self.polls_s(show)
        may = frozenset({"STALE", "LATENCY", "EDGE_SKEW"})
        return self.expects(show, "SKEW", within_s, layer="package", may=may)


class Gaps(_OfMedia, frozen=True, kw_only=True):
    """Some of the window are marked as missing, and are: those whose number is 0..`of`-1 in every `every`."""

    of: int = 1
    every: int = 2
    is_at_once: bool = True  # also of those published before

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        assert where.rendition is not None
        first = 0 if self.is_at_once else show.newest(where.rendition, self.start) + 1
        marked = tuple(replaced(each, is_gap=each.n >= first and each.n % self.every < self.of) for each in copy.segments)
        return replaced(copy, segments=marked)

    def expected(self, show: HlsShow) -> Expectation:
        window, polls_s = show.style.window, self.polls_s(show)
        # exactly half of the segments are a little more or less than half of the seconds where EXTINF swings
        is_half = self.of * 2 > self.every or (self.of * 2 == self.every and not show.style.wobble_s)
        if self.is_at_once:
            return self.expects(show, "GAP", polls_s, polls_s if is_half else None, "package", frozenset({"MUTATED"}))
        # of the next segments, the first that is marked
        firsts = [show.newest(name, self.start) + 1 for name in self.names(show)]
        ahead = max(next(i for i in range(self.every) if (n + i) % self.every < self.of) for n in firsts)
        within_s = self.next_segment_s(show, ahead) + polls_s
        crit_s = self.next_segment_s(show, window) + polls_s if is_half else None
        return self.expects(show, "GAP", within_s, crit_s, "package")


class LadderShrunk(Fault, frozen=True, kw_only=True):
    """The master does not name a rung any more."""

    def concerns(self, where: Where) -> bool:
        return where.kind == "master"

    def named(self, show: HlsShow, rungs: Sequence[Rung]) -> Sequence[Rung]:
        return [rung for rung in rungs if rung.name != self.rendition]

    def expected(self, show: HlsShow) -> Expectation:
        # 30 s in replay scenario 9; the master is asked every T, and a re-fetch confirms
        within_s = 2 * self.polls_s(show)
        return self.expects(show, "LADDER_SHRUNK", within_s, layer="package", may=frozenset({"RENDITION_MISSING"}))
