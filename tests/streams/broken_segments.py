"""Faults of segments and keys: what a playlist lists and a player cannot use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.streams import bodies
from tests.streams.broken_answers import HTML
from tests.streams.faults import UNFETCHED, Expectation, Fault, Where
from tests.streams.station import Reply

if TYPE_CHECKING:
    from tests.streams.show import Copy, HlsShow

replaced = msgspec.structs.replace


class _OfNewSegments(Fault, frozen=True, kw_only=True):
    """Segments published after the begin."""

    def concerns(self, where: Where) -> bool:
        if where.kind != "segment" or where.rendition is None:
            return False
        return super().concerns(where)

    def is_new(self, show: HlsShow, where: Where) -> bool:
        assert where.rendition is not None
        return where.n > show.newest(where.rendition, self.start)


class SegmentMissing(_OfNewSegments, frozen=True, kw_only=True):
    """A new segment is listed and 404; after `for_t` target durations it comes."""

    for_t: float = 1e9
    status: int = 404

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        assert where.rendition is not None
        if not self.is_new(show, where) or t >= show.published(where.rendition, where.n) + self.for_t * show.style.target_s:
            return reply
        return Reply(self.status, {"Cache-Control": "no-store"}, b"not yet\n", reply.delay_s)

    def expected(self, show: HlsShow) -> Expectation:
        within_s = 3 * show.style.target_s  # replay scenario 5
        is_late = self.for_t < 1.0
        codes = frozenset({"SEG_LATE", "SEG_404"} if is_late else {"SEG_404"})
        crit_s = None if is_late else within_s
        return self.expects(show, codes, within_s, crit_s, "origin", may=UNFETCHED)


class SegmentGone(Fault, frozen=True, kw_only=True):
    """Segments are removed from the server while they are still listed, all but the newest `left`."""

    left: int = 3

    def concerns(self, where: Where) -> bool:
        return where.kind == "segment" and super().concerns(where)

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        assert where.rendition is not None
        if where.n > show.newest(where.rendition, t) - self.left:
            return reply
        return Reply(404, {"Cache-Control": "no-store"}, b"gone\n", reply.delay_s)

    def expected(self, show: HlsShow) -> Expectation:
        # one that is removed early is seen when it is asked for, which a prober does once a segment at best
        within_s = self.next_segment_s(show, ahead=1) + self.polls_s(show)
        return self.expects(show, frozenset({"SEG_GONE"}), within_s, layer="origin", may=UNFETCHED)


class SegmentSlow(_OfNewSegments, frozen=True, kw_only=True):
    """Segments take `ratio` times as long to fetch as to play."""

    ratio: float = 1.5

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        if not self.is_new(show, where) or reply.status != 200:
            return reply
        return replaced(reply, trickle_s=self.ratio * show.style.target_s)

    def expected(self, show: HlsShow) -> Expectation:
        target_s = show.style.target_s
        crit_s = 6 * target_s if self.ratio > 1 else None  # replay scenario 6
        return self.expects(show, "SEG_SLOW", 4 * target_s, crit_s, "origin", may=UNFETCHED)


class SegmentBad(_OfNewSegments, frozen=True, kw_only=True):
    """What comes is no segment: `how` is zero, cut (half of it, not on a packet's border), html or noise."""

    how: str = "zero"

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        if not self.is_new(show, where) or reply.status != 200:
            return reply
        half = len(reply.body) // 2 // 16 * 16 + 16
        body = {
            "zero": b"",
            "cut": reply.body[: half if half % bodies.PACKET else half + 16],
            "html": HTML,
            "noise": bytes((i * 73 + where.n) % 251 for i in range(2048)),
        }[self.how]
        return replaced(reply, body=body, headers={**reply.headers, "ETag": f'"{self.how}-{where.n}"'})

    def expected(self, show: HlsShow) -> Expectation:
        within_s = 3 * show.style.target_s  # replay scenario 7
        may = frozenset({"SEG_DUP", "SEG_404", "KEY"})
        return self.expects(show, "SEG_BAD", within_s, within_s, "transcode", may)


class SegmentRepeated(_OfNewSegments, frozen=True, kw_only=True):
    """The same bytes again and again: a frozen picture."""

    has_etag: bool = True

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        assert where.rendition is not None
        if not self.is_new(show, where) or reply.status != 200:
            return reply
        rung = next(rung for rung in show.style.renditions if rung.name == where.rendition)
        n = show.newest(where.rendition, self.start)
        body = bodies.segment(rung, n, show.style.target_s, show.style.container)
        if show.style.is_encrypted:
            body = bodies.encrypted(body, bodies.key(f"{show.name}/{show.key_of(n)}"), n)
        headers = {name: value for name, value in reply.headers.items() if name != "ETag"}
        if self.has_etag:
            headers["ETag"] = f'"{where.rendition}-{n}"'
        return replaced(reply, body=body, headers=headers)

    def expected(self, show: HlsShow) -> Expectation:
        # the last good one and two that are equal to it
        within_s = max(3 * show.style.target_s, self.next_segment_s(show, ahead=1) + self.polls_s(show))
        return self.expects(show, "SEG_DUP", within_s, within_s, "transcode", frozenset({"SEG_BAD"}))


class Heavy(_OfNewSegments, frozen=True, kw_only=True):
    """Segments of more bits than BANDWIDTH says."""

    times: int = 2

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        if not self.is_new(show, where) or reply.status != 200:
            return reply
        rung = next(rung for rung in show.style.renditions if rung.name == where.rendition)
        heavy = replaced(rung, average=rung.average * self.times)
        body = bodies.segment(heavy, where.n, show.style.target_s, show.style.container)
        if show.style.is_encrypted:
            body = bodies.encrypted(body, bodies.key(f"{show.name}/{show.key_of(where.n)}"), where.n)
        return replaced(reply, body=body)

    def expected(self, show: HlsShow) -> Expectation:
        within_s = self.next_segment_s(show, ahead=1) + self.polls_s(show)  # sampled: two of three
        return self.expects(show, "BW_HIGH", within_s, layer="package", may=frozenset({"BW_AVG"}))


class WrongPicture(_OfNewSegments, frozen=True, kw_only=True):
    """Segments of another picture than RESOLUTION and CODECS say."""

    height: int = 360

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        if not self.is_new(show, where) or reply.status != 200:
            return reply
        rung = next(rung for rung in show.style.renditions if rung.name == where.rendition)
        if rung.kind != "video":
            return reply
        other = replaced(rung, height=self.height)
        return replaced(reply, body=bodies.segment(other, where.n, show.style.target_s, show.style.container))

    def expected(self, show: HlsShow) -> Expectation:
        return self.expects(show, "CODECS", self.next_segment_s(show) + self.polls_s(show), layer="package")


class KeyRefused(Fault, frozen=True, kw_only=True):
    """The key's URI answers `status`, or with `length` bytes."""

    status: int = 403
    length: int = 16

    def concerns(self, where: Where) -> bool:
        return where.kind == "key"

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        if self.status != 200:
            return Reply(self.status, {"Cache-Control": "no-store"}, b"no\n", reply.delay_s)
        return replaced(reply, body=(reply.body * 4)[: self.length])

    def expected(self, show: HlsShow) -> Expectation:
        within_s = 2 * show.style.target_s  # replay scenario 10
        return self.expects(show, "KEY", within_s, within_s, "drm", is_of_master=True)


class KeyTag(Fault, frozen=True, kw_only=True):
    """`how` dropped: no EXT-X-KEY tag is left, though the segments are encrypted as before; method or iv: that of new segments is
    nonsense.
    """

    how: str = "dropped"

    def concerns(self, where: Where) -> bool:
        return where.kind == "media" and super().concerns(where)

    def copied(self, show: HlsShow, where: Where, copy: Copy, t: float) -> Copy:
        assert where.rendition is not None
        first = 0 if self.how == "dropped" else show.newest(where.rendition, self.start) + 1
        segments = tuple(replaced(each, key=self._bent(each.key)) if each.n >= first else each for each in copy.segments)
        return replaced(copy, segments=segments)

    def _bent(self, key: str) -> str:
        if self.how == "dropped":
            return ""
        if self.how == "method":
            return key.replace("METHOD=AES-128", "METHOD=AES-512")
        return key.replace("IV=0x", "IV=0xZZ")

    def expected(self, show: HlsShow) -> Expectation:
        within_s = (0.0 if self.how == "dropped" else self.next_segment_s(show)) + self.polls_s(show)
        return self.expects(show, "KEY", within_s, layer="drm", may=frozenset({"SEG_BAD", "MUTATED"}))
