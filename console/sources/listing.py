"""The channel list: files, URLs and the configuration itself, joined; read again every half minute.

A list that becomes unreadable is refused and the last good one kept, with its age: a channel never vanishes from the screen
because somebody saved half a file. The first place to name a channel wins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from console.model.channel import Channel
from console.model.failure import Failure, FailureKind, SourceError
from console.model.instant import Clock
from console.sources.access import Access, place
from console.sources.hls.channels import ChannelListError, checked, load
from console.sources.http import get_json, open_client
from console.sources.meter import Meter
from console.sources.polling import Answer, PollingSource
from console.sources.sanitise import clean

KIND = "channels"
PERIOD_S = 30.0
FILE_BYTES = 16 * 1024 * 1024
_RAW: msgspec.json.Decoder[msgspec.Raw] = msgspec.json.Decoder(msgspec.Raw)


class ChannelListing:
    """What is on the list now. `current` is what the prober watches; empty until the first reading."""

    def __init__(
        self,
        files: tuple[str, ...],
        urls: tuple[str, ...],
        inline: tuple[Channel, ...],
        meter: Meter,
        keeps: Callable[[Channel], bool] | None = None,
    ) -> None:
        self.current: tuple[Channel, ...] = ()
        self._files = files
        self._urls = urls
        self._inline = inline
        self._meter = meter
        self._keeps = keeps
        self._read: dict[str, tuple[bytes, tuple[Channel, ...]]] = {}  # file -> what it held, and what that meant

    async def ask(self) -> Answer[tuple[Channel, ...]]:
        """Every place read once. Raises SourceError naming the first place that cannot be used."""
        found: dict[str, Channel] = {}
        for read in self._places():
            for channel in await read():
                found.setdefault(channel.name, channel)
        keeps = self._keeps
        self.current = tuple(each for each in found.values() if keeps is None or keeps(each))
        return Answer(value=self.current)

    def _places(self) -> list[Callable[[], Awaitable[tuple[Channel, ...]]]]:
        async def inline() -> tuple[Channel, ...]:
            return _used("the configuration", lambda: checked("inline", self._inline))

        return [
            inline,
            *(lambda path=path: self._from_file(path) for path in self._files),
            *(lambda url=url: self._from_url(url) for url in self._urls),
        ]

    async def _from_file(self, path: str) -> tuple[Channel, ...]:
        try:
            data = await asyncio.to_thread(_read, Path(path))
        except OSError as error:
            raise _refused(path, error.strerror or str(error), "does the file exist, may we read it?") from error
        before = self._read.get(path)
        if before is not None and before[0] == data:
            return before[1]
        channels = _used(path, lambda: load(path, data))
        self._read[path] = (data, channels)
        return channels

    async def _from_url(self, url: str) -> tuple[Channel, ...]:
        on = place(KIND, url)
        client = await open_client(Access(urls=(url,)))
        async with client:
            fetched = await get_json(client, url, _RAW, "read the channel list", on, meter=self._meter)
        return _used(on, lambda: load("list.json", bytes(fetched.value)))


def channels_source(
    name: str, listing: ChannelListing, clock: Clock, meter: Meter, period_s: float = PERIOD_S
) -> PollingSource[tuple[Channel, ...]]:
    """The listing as a source."""
    return PollingSource(name, KIND, listing.ask, period_s, clock, meter=meter)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(FILE_BYTES + 1)


def _used(where: str, use: Callable[[], tuple[Channel, ...]]) -> tuple[Channel, ...]:
    try:
        return use()
    except ChannelListError as error:
        raise _refused(where, str(error), "mend the list; the last good one is kept") from error


def _refused(where: str, got: str, hint: str) -> SourceError:
    return SourceError(
        Failure(kind=FailureKind.BAD_ANSWER, tried="read the channel list", on=where, got=clean(got, 400), hint=hint)
    )
