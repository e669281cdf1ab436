"""What a server has done since it began, as numbers: every room of it counts here, and only `exposing.py` reads.

Plain integers of the loop, without locks: they are read by the loop, too (`exposing.Pulse`), which leaves a picture of them for
the thread that is scraped. No name of a person, address or key is ever counted by: a metrics store is read by many, is kept for
years, and a label of what strangers send is a series for each of their tries.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

import msgspec

KINDS = ("console", "digest", "exec")
REASONS = 40  # different reasons that are told apart
OTHER = "other"
_WORD = re.compile(r"[a-z][a-z_]{0,39}")


class Counts(msgspec.Struct, frozen=True):
    """A picture of the tally."""

    open: Mapping[str, int]  # sessions that are open now, by kind
    opened: Mapping[str, int]  # sessions that ever were, by kind
    unauthenticated: int  # connections that have not logged in, now
    connections: int  # accepted since start
    logins: Mapping[str, int]  # by how: key, certificate
    refusals: Mapping[str, int]  # by reason
    bytes_sent: int  # to terminals, before encryption
    slow_dropped: int
    drains: int
    crashed: int  # sessions that ended by a fault of midwatch's own


class Tally:
    """Counts; asks and decides nothing."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self._opened: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self._logins: Counter[str] = Counter({"key": 0, "certificate": 0})
        self._refusals: Counter[str] = Counter()
        self.unauthenticated = 0
        self._connections = 0
        self._bytes_sent = 0
        self._slow_dropped = 0
        self._drains = 0
        self._crashed = 0
        self.draining = ""  # why nobody is let in any more; empty while somebody is

    def connected(self) -> None:
        """A connection was accepted; it has not logged in."""
        self._connections += 1

    def logged_in(self, how: str) -> None:
        """`how`: key or certificate."""
        self._logins[how if how in self._logins else OTHER] += 1

    def refused(self, reason: str) -> None:
        """`reason`: a word of ours (wrong_key, forwarding, full ...), never one of a client's; what is none counts as other."""
        is_told_apart = _WORD.fullmatch(reason) and (reason in self._refusals or len(self._refusals) < REASONS)
        self._refusals[reason if is_told_apart else OTHER] += 1

    def opened(self, kind: str) -> None:
        """A session began; `closed` is called once for it."""
        self._open[kind] += 1
        self._opened[kind] += 1

    def closed(self, kind: str) -> None:
        self._open[kind] -= 1

    def sent(self, count: int) -> None:
        """Bytes to a terminal."""
        self._bytes_sent += count

    def dropped_slow(self) -> None:
        """A reader that took nothing for too long was put out."""
        self._slow_dropped += 1

    def crashed(self) -> None:
        """A session ended by a fault of our own."""
        self._crashed += 1

    def drain(self, why: str) -> None:
        """From now on nobody is let in."""
        self._drains += not self.draining
        self.draining = why

    def picture(self) -> Counts:
        """All of it now."""
        return Counts(
            open=dict(self._open),
            opened=dict(self._opened),
            unauthenticated=self.unauthenticated,
            connections=self._connections,
            logins=dict(self._logins),
            refusals=dict(self._refusals),
            bytes_sent=self._bytes_sent,
            slow_dropped=self._slow_dropped,
            drains=self._drains,
            crashed=self._crashed,
        )
