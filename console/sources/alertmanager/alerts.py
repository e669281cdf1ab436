"""All alerts of a site as a source."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime
from urllib.parse import urlsplit

import msgspec

from console.model.alert import Alert, Alerts
from console.model.failure import Failure, SourceError
from console.model.instant import Clock
from console.sources.access import Access
from console.sources.alertmanager.peers import LIST, MAX_ALERTS, MAX_BYTES, alerts_of, merged
from console.sources.http import HttpBackend
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource

KIND = "alertmanager"
PATH = "/api/v2/alerts"


class _Peer(msgspec.Struct):
    """What one peer told, or why it did not."""

    name: str
    alerts: dict[str, Alert] = {}
    server_date: datetime | None = None
    failure: Failure | None = None
    told: int = 0
    unreadable: int = 0


class AlertPeers:
    """Asks every peer at once and merges what they tell."""

    def __init__(self, access: Access, meter: Meter) -> None:
        self._backends = {
            urlsplit(url).netloc.rpartition("@")[2]: HttpBackend(
                msgspec.structs.replace(access, urls=(url,)), KIND, meter
            )
            for url in access.urls
        }

    async def ask(self) -> Answer[Alerts]:
        """The alerts of all peers. Raises SourceError when none answered."""
        peers = await asyncio.gather(*(self._peer(name, backend) for name, backend in self._backends.items()))
        answered = [peer for peer in peers if peer.failure is None]
        if not answered:
            raise SourceError(next(peer.failure for peer in peers if peer.failure is not None))
        alerts: dict[str, Alert] = {}
        beyond = 0
        for peer in answered:
            for fingerprint, alert in peer.alerts.items():
                known = alerts.get(fingerprint)
                if known is None and len(alerts) >= MAX_ALERTS:
                    beyond += 1
                else:
                    alerts[fingerprint] = alert if known is None else merged(known, alert)
        dates = [peer.server_date for peer in answered if peer.server_date is not None]
        return Answer(
            value=Alerts(alerts=alerts, peers_answered=len(answered), peers_total=len(peers)),
            server_date=min(dates, default=None),
            partial_reason=_reason(peers, beyond),
        )

    async def _peer(self, name: str, backend: HttpBackend) -> _Peer:
        try:
            fetched = await backend.get(PATH, LIST, "read alerts", max_bytes=MAX_BYTES)
        except SourceError as error:
            return _Peer(name=name, failure=error.failure)
        alerts, unreadable = await alerts_of(fetched.value, name)
        return _Peer(
            name=name,
            alerts=alerts,
            server_date=fetched.server_date,
            told=len(fetched.value),
            unreadable=unreadable,
        )

    async def close(self) -> None:
        """Ends the connections to all peers."""
        await asyncio.gather(*(backend.close() for backend in self._backends.values()))


def _reason(peers: list[_Peer], beyond: int) -> str:
    words = []
    silent = [peer for peer in peers if peer.failure is not None]
    if silent:
        first = silent[0]
        assert first.failure is not None
        words.append(f"{len(peers) - len(silent)} of {len(peers)} peers answered; {first.name}: {first.failure.got}")
    most = max(peers, key=lambda peer: peer.told)
    if most.told > MAX_ALERTS:
        words.append(f"{MAX_ALERTS:,} of {most.told:,} alerts kept")
    elif beyond:
        words.append(f"{beyond:,} alerts over the ceiling of {MAX_ALERTS:,} left out")
    unreadable = sum(peer.unreadable for peer in peers)
    if unreadable:
        words.append(f"{unreadable} alerts could not be read")
    return "; ".join(words)


def alerts_source(
    name: str,
    access: Access,
    clock: Clock,
    meter: Meter,
    period_s: float = 5.0,
    rng: random.Random | None = None,
) -> PollingSource[Alerts]:
    """The alerts of a site as a source; `access.urls` are the peers."""
    peers = AlertPeers(access, meter)
    return PollingSource(name, KIND, peers.ask, period_s, clock, rng=rng, meter=meter, close=peers.close)
