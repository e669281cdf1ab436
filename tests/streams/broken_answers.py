"""Faults of delivery: what a server does wrong whatever stands in its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from tests.streams.faults import LATE, UNFETCHED, UNHAD, Expectation, Fault, Where
from tests.streams.station import NEVER_S, Reply

if TYPE_CHECKING:
    from tests.streams.show import HlsShow

HTML = b"<html><head><title>Sorry</title></head><body><h1>We will be back soon</h1></body></html>\n"
TIMEOUT_CEILING_S = 5.0
_KINDS = {"master": ("master",), "media": ("media",), "both": ("master", "media")}


class _OfPlaylists(Fault, frozen=True, kw_only=True):
    """A fault of the answers to playlists: of the master, or of media playlists."""

    of: str = "media"  # master | media | both

    def concerns(self, where: Where) -> bool:
        return where.kind in _KINDS[self.of] and (where.kind == "master" or super().concerns(where))

    def samples_s(self, show: HlsShow) -> float:
        """Three polls of the playlist in question: a master is asked half as often."""
        return self.polls_s(show) * (2 if self.of == "master" else 1)


class Status(_OfPlaylists, frozen=True, kw_only=True):
    """4xx or 5xx."""

    status: int = 503

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        return Reply(self.status, {"Cache-Control": "no-store"}, b"error\n", reply.delay_s)

    def expected(self, show: HlsShow) -> Expectation:
        is_gone = self.status in (404, 410) and self.of == "media"
        codes = frozenset({"RENDITION_MISSING"} if is_gone and self.rendition else {"FETCH_FAIL", "DOWN"})
        layer = "package" if is_gone and self.rendition else "origin"
        wanted = codes | ({"FETCH_FAIL"} if is_gone else set())
        is_all = self.of == "both" or (self.of == "media" and self.rendition is None)
        within_s = self.samples_s(show)
        return self.expects(
            show, frozenset(wanted), within_s, within_s if is_all else None, layer, UNHAD | LATE | {"STALE"}, self.of != "media"
        )


class Hanging(_OfPlaylists, frozen=True, kw_only=True):
    """No answer at all."""

    length_s: float = 30.0

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        return msgspec.structs.replace(reply, delay_s=NEVER_S)

    def expected(self, show: HlsShow) -> Expectation:
        limit_s = min(show.style.target_s, TIMEOUT_CEILING_S)
        within_s = 2 * limit_s + self.samples_s(show)  # two samples, each as long as the limit
        return self.expects(show, "TIMEOUT", within_s, layer="origin", may=UNHAD | LATE | {"STALE"}, is_of_master=self.of != "media")


class Dropped(_OfPlaylists, frozen=True, kw_only=True):
    """The connection is closed without an answer."""

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        return Reply(is_dropped=True, delay_s=reply.delay_s)

    def expected(self, show: HlsShow) -> Expectation:
        may = UNHAD | LATE | {"STALE"}
        codes = frozenset({"FETCH_FAIL", "DOWN"})
        return self.expects(show, codes, self.samples_s(show), layer="origin", may=may, is_of_master=self.of != "media")


class NotPlaylist(_OfPlaylists, frozen=True, kw_only=True):
    """200, with something else in it."""

    body: bytes = HTML
    content_type: str = "text/html"

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        headers = {**reply.headers, "Content-Type": self.content_type, "ETag": '"other"'}
        return msgspec.structs.replace(reply, status=200, body=self.body, headers=headers)

    def expected(self, show: HlsShow) -> Expectation:
        within_s = show.style.target_s + self.period_s(show)  # replay scenario 8: 6 s where T is 4 s, for a master too
        may = UNHAD | LATE | {"STALE", "CACHE_HDR", "LADDER_SHRUNK"}
        return self.expects(
            show, frozenset({"NOT_PLAYLIST"}), within_s, within_s, "origin", may, is_of_master=self.of != "media"
        )


class Cut(_OfPlaylists, frozen=True, kw_only=True):
    """Less comes than was promised."""

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        headers = {name: value for name, value in reply.headers.items() if name != "ETag"}  # or it would be 304, and whole
        return msgspec.structs.replace(reply, headers=headers, is_cut=True, is_zippable=False)

    def expected(self, show: HlsShow) -> Expectation:
        codes = frozenset({"FETCH_FAIL", "DOWN", "NOT_PLAYLIST", "TIMEOUT"})
        may = UNHAD | LATE | {"STALE", "CACHE_HDR"}
        return self.expects(show, codes, self.samples_s(show), layer="origin", may=may, is_of_master=self.of != "media")


class Headers(_OfPlaylists, frozen=True, kw_only=True):
    """CACHE_HDR: headers that are not those of a live playlist. `drop` names what is missing."""

    put: dict[str, str] = {}
    drop: tuple[str, ...] = ()

    def concerns(self, where: Where) -> bool:
        return where.kind == "media" and super().concerns(where)

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        headers = {name: value for name, value in reply.headers.items() if name not in self.drop}
        is_zippable = reply.is_zippable and "Content-Encoding" not in self.drop
        return msgspec.structs.replace(reply, headers={**headers, **self.put}, is_zippable=is_zippable)

    def expected(self, show: HlsShow) -> Expectation:
        return self.expects(show, "CACHE_HDR", self.polls_s(show), layer="origin")


class DeadEdge(Fault, frozen=True, kw_only=True):
    """A PoP is gone: nobody answers there."""

    def answered(self, show: HlsShow, where: Where, reply: Reply, t: float) -> Reply:
        return Reply(is_dropped=True)

    def expected(self, show: HlsShow) -> Expectation:
        within_s = self.polls_s(show)
        codes = frozenset({"FETCH_FAIL", "DOWN"})
        return self.expects(show, codes, within_s, within_s, "origin", UNHAD | UNFETCHED | LATE | {"STALE", "KEY"})
