"""The page asked again and again: what one answer says, and what only several of them show."""

from __future__ import annotations

from collections import deque

import msgspec

from console.model.instant import Clock, Instant
from console.model.metric import StreamSignals, StreamTable
from console.sources.access import Access
from console.sources.http import HttpBackend
from console.sources.meter import Meter
from console.sources.nginx_rtmp.page import MAX_BYTES, MAX_STREAMS, Decoder, Publisher, RtmpPage, RtmpStream
from console.sources.polling import Answer, PollingSource

KIND = "nginx-rtmp"
PERIOD_S = 5.0
RECONNECTS_S = 300.0  # in which publishers that came are counted
GONE_S = 600.0  # how long a stream without a publisher is told as such
MOST = 64  # changes remembered of one stream: past any threshold
RATE_S = 15.0  # over which bytes are counted: nginx's own rate is 0 for the first ten seconds of every publisher


class _Seen(msgspec.Struct):
    """What is remembered of one stream."""

    publisher: Publisher | None
    last: Instant  # when it last had a publisher
    changes: deque[float]  # when another publisher came, monotonic
    dropped: tuple[float, float] | None = None  # (when, frames dropped) of this publisher
    bytes_in: deque[tuple[float, float]] = msgspec.field(default_factory=deque)  # (when, bytes), the last RATE_S


class RtmpStatistics:
    """One server."""

    def __init__(self, name: str, access: Access, clock: Clock, meter: Meter) -> None:
        self._name = name
        self._clock = clock
        self._backend = HttpBackend(access, KIND, meter)
        self._decoder = Decoder()
        self._seen: dict[str, _Seen] = {}

    async def ask(self) -> Answer[StreamTable]:
        """All streams now. Raises SourceError."""
        fetched = await self._backend.get("", self._decoder, "read the RTMP statistics", max_bytes=MAX_BYTES)
        return Answer(
            value=StreamTable(self.heard(fetched.value, self._clock.now())),
            server_date=fetched.server_date,
            partial_reason=f"more than {MAX_STREAMS} streams: the rest is left out" if fetched.value.is_cut else "",
        )

    async def close(self) -> None:
        """A source that is started again remembers its publishers."""
        await self._backend.close()

    def heard(self, page: RtmpPage, now: Instant) -> tuple[StreamSignals, ...]:
        """What this page says in the light of those before it."""
        told: dict[str, StreamSignals] = {}
        for stream in page.streams:
            told[stream.path] = StreamSignals(
                stream.path, self._signals(stream, now), KIND, self._name, protocol="rtmp"
            )
        for path, seen in list(self._seen.items()):
            if now.mono - seen.last.mono > GONE_S:
                del self._seen[path]
            elif path not in told:
                told[path] = StreamSignals(path, self._abandoned(seen, now), KIND, self._name, protocol="rtmp")
        while len(self._seen) > 2 * MAX_STREAMS:
            del self._seen[next(iter(self._seen))]
        return tuple(told.values())

    def _signals(self, stream: RtmpStream, now: Instant) -> dict[str, float]:
        seen = self._seen.get(stream.path)
        publisher = stream.publisher
        if publisher is None:  # only players wait for it: of one never seen nothing is known
            return self._abandoned(seen, now) if seen is not None else {}
        values: dict[str, float] = {}
        if seen is None:
            seen = self._seen[stream.path] = _Seen(publisher, now, deque(maxlen=MOST))
        elif seen.publisher is None or (seen.publisher.id, seen.publisher.address) != (publisher.id, publisher.address):
            seen.changes.append(now.mono)
            seen.dropped = None
        before = seen.dropped
        if publisher.dropped is not None:
            if before is not None and now.mono > before[0] and publisher.dropped >= before[1]:
                values["dropped_fps"] = (publisher.dropped - before[1]) / (now.mono - before[0])
            seen.dropped = (now.mono, publisher.dropped)
        seen.publisher, seen.last = publisher, now
        values["publishers"] = 1.0
        values["reconnects"] = self._reconnects(seen, now)
        bps = self._bps(seen, stream, now)
        if bps is not None:
            values["ingest_bps"] = bps
        if stream.fps:
            values["fps_declared"] = stream.fps
        return values

    def _abandoned(self, seen: _Seen, now: Instant) -> dict[str, float]:
        seen.publisher, seen.dropped = None, None
        seen.bytes_in.clear()
        return {"publishers": 0.0, "reconnects": self._reconnects(seen, now)}

    def _bps(self, seen: _Seen, stream: RtmpStream, now: Instant) -> float | None:
        """8 * rate(bytes_in) over RATE_S; what nginx says itself when it counts no bytes, or has just begun to."""
        told = stream.bytes_in
        if told is None:
            return stream.bw_in_bps
        counted = seen.bytes_in
        if counted and told < counted[-1][1]:
            counted.clear()
        counted.append((now.mono, told))
        while len(counted) > 2 and now.mono - counted[1][0] >= RATE_S:
            counted.popleft()
        since, before = counted[0]
        if now.mono <= since:
            return stream.bw_in_bps or None
        return 8 * (told - before) / (now.mono - since)

    def _reconnects(self, seen: _Seen, now: Instant) -> float:
        while seen.changes and now.mono - seen.changes[0] > RECONNECTS_S:
            seen.changes.popleft()
        return float(len(seen.changes))


def rtmp_source(
    feed: str, server: str, access: Access, clock: Clock, meter: Meter, period_s: float = PERIOD_S
) -> PollingSource[StreamTable]:
    """As a source; `server` is what the configuration calls it, and what the node of its streams is called."""
    statistics = RtmpStatistics(server, access, clock, meter)
    return PollingSource(feed, KIND, statistics.ask, period_s, clock, meter=meter, close=statistics.close)
