"""The channel lists, and the master playlist of the first channel at each of its vantages."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from console.config.site import Channels
from console.doctor.diagnosis import Chart
from console.model.channel import Channel, Vantage
from console.model.failure import Failure, FailureKind, SourceError
from console.model.instant import Clock
from console.probe.token import TokenError, run, signed
from console.sources.access import Access, place
from console.sources.http import get_json, open_client
from console.sources.listing import ChannelListing
from console.sources.meter import Meter

Visit = Callable[[Chart, Callable[[], Awaitable[None]]], Awaitable[Chart]]
TIMEOUT_S = 5.0  # the prober's own patience
PLAYLIST_BYTES = 2_000_000


async def visits(wanted: Channels, clock: Clock, visit: Visit) -> list[Chart]:
    """One chart per place that a list comes from, then one per vantage of the first channel found."""
    places: list[tuple[Chart, ChannelListing]] = []
    if wanted.inline:
        chart = Chart("channels inline", "channels", "the configuration", clock, is_remote=False)
        places.append((chart, ChannelListing((), (), wanted.inline, Meter(clock))))
    for path in map(str, wanted.files):
        chart = Chart(f"channels {path.rpartition('/')[2]}", "channels", path, clock, is_remote=False)
        places.append((chart, ChannelListing((path,), (), (), Meter(clock))))
    for url in wanted.urls:
        host = urlsplit(url).netloc.rpartition("@")[2]
        chart = Chart(f"channels {host}", "channels", place("channels", url), clock)
        places.append((chart, ChannelListing((), (url,), (), Meter(clock))))
    lists = list(
        await asyncio.gather(
            *(visit(chart, lambda c=chart, li=listing: _listed(c, li)) for chart, listing in places)  # type: ignore[misc]
        )
    )
    first = next((listing.current[0] for _, listing in places if listing.current), None)
    if first is None:
        return lists
    charts = [
        (Chart(f"vantage {vantage.name}", "hls", _where(vantage), clock), vantage) for vantage in first.vantages
    ]
    masters = await asyncio.gather(
        *(visit(chart, lambda c=chart, v=vantage: _master(c, first, v)) for chart, vantage in charts)  # type: ignore[misc]
    )
    return [*lists, *masters]


async def _listed(chart: Chart, listing: ChannelListing) -> None:
    count = len((await chart.first(listing.ask)).value)
    if count:
        chart.told.append(f"{count:,} channel{'s' * (count != 1)}")
    else:
        chart.lacks("the list is empty: no channel is watched", "add channels to it")


def _where(vantage: Vantage) -> str:
    via = f" by {vantage.connect_to}" if vantage.connect_to else ""
    return f"{place('hls', vantage.url)}{via}"


class _Master:
    """Decodes as far as doctor looks: a playlist begins with its tag (RFC 8216, 4.3.1.1)."""

    def decode(self, content: bytes, /) -> int:
        """How many variants it names; 0 for a media playlist. Raises ValueError."""
        if not content.removeprefix(b"\xef\xbb\xbf").startswith(b"#EXTM3U"):
            raise ValueError("it does not begin with #EXTM3U")
        return content.count(b"#EXT-X-STREAM-INF")


async def _master(chart: Chart, channel: Channel, vantage: Vantage) -> None:
    tried = f"fetch the master of {channel.name}"
    url, extensions = vantage.url, {}
    headers = {"Accept": "*/*", **vantage.headers}
    if vantage.token_command:
        try:
            url = signed(url, await run(vantage.token_command))
        except TokenError as error:
            raise SourceError(
                Failure(FailureKind.UNAUTHORIZED, "read the credential", chart.on, str(error), "run it by hand")
            ) from error
    if vantage.connect_to is not None:
        parts = urlsplit(url)
        headers["Host"] = parts.netloc.rpartition("@")[2]
        extensions["sni_hostname"] = parts.hostname or ""
        url = parts._replace(netloc=vantage.connect_to).geturl()
    client = await open_client(Access(urls=(url,), timeout_s=TIMEOUT_S))
    async with client:
        fetched = await chart.first(
            lambda: get_json(
                client,
                url,
                _Master(),
                tried,
                chart.on,
                headers=headers,
                max_bytes=PLAYLIST_BYTES,
                limit_s=TIMEOUT_S,
                extensions=extensions,
            )
        )
    chart.dated(fetched.server_date)
    if fetched.value:
        chart.told.append(f"{channel.name}: {fetched.value} renditions")
    else:
        chart.note(f"{channel.name}: no master playlist, but a media playlist")
