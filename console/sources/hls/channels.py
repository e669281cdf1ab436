"""Channel lists, from the bytes of a JSON or CSV file. Pure: reading the file is its caller's business.

JSON: a list of channels, or an object with the key `channels`; a channel that is not always on air has a `schedule`
(and one with planned work a `maintenance`): a list of `{"start": ..., "end": ...}` in RFC 3339, UTC where no offset is
given. CSV: one vantage a line, with a header; lines of one channel name belong together: `channel,vantage,layer,url`
and optionally `cdn,pop,service,connect_to,region,tier,kind,ingest`. Errors name file, index and key, so that the line can be
found at night.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any
from urllib.parse import urlsplit

import msgspec

from console.model.channel import Channel, Vantage, Window
from console.model.severity import Layer
from console.sources.sanitise import clean

FILE_LIMIT = 16 * 1024 * 1024  # bytes
CHANNEL_LIMIT = 10_000
NAME_LIMIT = 253  # characters of any name
WINDOW_LIMIT = 1000  # of one channel: a year of three shows a day
KINDS = ("live", "event", "247", "vod")
_CSV_NEEDED = ("channel", "vantage", "layer", "url")
_CSV_KNOWN = (*_CSV_NEEDED, "cdn", "pop", "service", "connect_to", "region", "tier", "kind", "ingest")


class ChannelListError(ValueError):
    """A channel list that cannot be used; the text names file, index and key."""


def load(file: str, data: bytes) -> tuple[Channel, ...]:
    """The channels of one file, by its suffix (`.csv`, else JSON). Raises ChannelListError."""
    if len(data) > FILE_LIMIT:
        raise ChannelListError(f"{file}: {len(data)} bytes, the limit is {FILE_LIMIT}")
    channels = _from_csv(file, data) if file.lower().endswith(".csv") else _from_json(file, data)
    if len(channels) > CHANNEL_LIMIT:
        raise ChannelListError(f"{file}: {len(channels)} channels, the limit is {CHANNEL_LIMIT}")
    return checked(file, channels)


def checked(file: str, channels: Sequence[Channel]) -> tuple[Channel, ...]:
    """The same channels, each proven usable. Raises ChannelListError."""
    names: dict[str, int] = {}
    found: list[Channel] = []
    for index, channel in enumerate(channels):
        where = f"{file}: channel {index} ({channel.name!r})"
        if not channel.name.strip() or not channel.name.isprintable():
            raise ChannelListError(f"{where}: key 'name' is empty or not printable")
        for key, text in _shown(channel):
            if clean(text, NAME_LIMIT) != text:
                raise ChannelListError(f"{where}: key {key!r} is {text[:80]!r}: too long, or not to be shown in a line")
        if channel.name in names:
            raise ChannelListError(f"{where}: the name is that of channel {names[channel.name]}, too")
        names[channel.name] = index
        if channel.tier not in (1, 2, 3, 4):
            raise ChannelListError(f"{where}: key 'tier' is {channel.tier}, not 1 to 4")
        if channel.kind not in KINDS:
            raise ChannelListError(f"{where}: key 'kind' is {channel.kind!r}, not one of {', '.join(KINDS)}")
        if not channel.vantages:
            raise ChannelListError(f"{where}: key 'vantages' is empty")
        if len({vantage.name for vantage in channel.vantages}) != len(channel.vantages):
            raise ChannelListError(f"{where}: two vantages have the same name")
        for vantage in channel.vantages:
            _check_vantage(f"{where}, vantage {vantage.name!r}", vantage)
        found.append(_timed(where, channel) if channel.schedule or channel.maintenance else channel)
    return tuple(found)


def _timed(where: str, channel: Channel) -> Channel:
    """The same channel with its windows in UTC and in their order."""
    return msgspec.structs.replace(
        channel,
        schedule=_windows(where, "schedule", channel.schedule),
        maintenance=_windows(where, "maintenance", channel.maintenance),
    )


def _windows(where: str, key: str, windows: tuple[Window, ...]) -> tuple[Window, ...]:
    if len(windows) > WINDOW_LIMIT:
        raise ChannelListError(f"{where}: key {key!r} has {len(windows)} windows, the limit is {WINDOW_LIMIT}")
    found = [Window(_utc(window.start), _utc(window.end)) for window in windows]
    for place, window in enumerate(found):
        if window.end <= window.start:
            raise ChannelListError(f"{where}: key {key!r}, window {place}: it ends before it starts, or as it does")
    return tuple(sorted(found, key=lambda window: window.start))


def _utc(at: datetime) -> datetime:
    """Without an offset it is meant to be UTC; a date at the calendar's very end stays what it is."""
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        return at.replace(tzinfo=UTC)


def _shown(channel: Channel) -> Iterator[tuple[str, str]]:
    """Every text that comes onto a screen. It is refused and not cleaned: names are compared with those of other
    backends, and two that differ only in what is dropped would become one.
    """
    yield "name", channel.name
    yield "region", channel.region or ""
    yield "ingest", channel.ingest or ""
    for layer, service in channel.services.items():
        yield "services", layer
        yield "services", service
    for rendition in channel.renditions:
        yield "renditions", rendition
    for vantage in channel.vantages:
        for key in ("name", "cdn", "pop", "service"):
            yield key, getattr(vantage, key) or ""


def _check_vantage(where: str, vantage: Vantage) -> None:
    try:
        parts = urlsplit(vantage.url)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_url = False
    if not is_url:
        raise ChannelListError(f"{where}: key 'url' is no http or https URL")
    if vantage.connect_to is not None:
        host, _, port = vantage.connect_to.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ChannelListError(f"{where}: key 'connect_to' is {vantage.connect_to!r}, not ip:port")


def _from_json(file: str, data: bytes) -> list[Channel]:
    try:
        raw: Any = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise ChannelListError(f"{file}: not JSON: {error}") from error
    if isinstance(raw, dict) and "channels" in raw:
        raw = raw["channels"]
    if not isinstance(raw, list):
        raise ChannelListError(f"{file}: neither a list of channels nor an object with the key 'channels'")
    channels = []
    for index, one in enumerate(raw):
        _check_keys(f"{file}: channel {index}", one, Channel)
        for place, vantage in enumerate(one.get("vantages") or ()):
            _check_keys(f"{file}: channel {index}, vantage {place}", vantage, Vantage)
        try:
            channels.append(msgspec.convert(one, Channel))
        except msgspec.ValidationError as error:
            raise ChannelListError(f"{file}: channel {index}: {error}") from error
    return channels


def _check_keys(where: str, raw: object, kind: type[msgspec.Struct]) -> None:
    if not isinstance(raw, dict):
        raise ChannelListError(f"{where}: not an object")
    known = kind.__struct_fields__  # not `structs.fields`, which evaluates every annotation anew: half a millisecond
    for key in raw:
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f", did you mean {near[0]!r}?" if near else f" (known: {', '.join(known)})"
            raise ChannelListError(f"{where}: unknown key {key!r}{hint}")


def _from_csv(file: str, data: bytes) -> list[Channel]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ChannelListError(f"{file}: not UTF-8 at byte {error.start}") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        lines = list(reader)
    except csv.Error as error:
        raise ChannelListError(f"{file}: line {reader.line_num}: {error}") from error
    heads = [head.strip() for head in reader.fieldnames or ()]
    for head in heads:
        if head not in _CSV_KNOWN:
            near = get_close_matches(head, _CSV_KNOWN, n=1)
            raise ChannelListError(
                f"{file}: unknown column {head!r}{f', did you mean {near[0]!r}?' if near else ''}"
            )
    for needed in _CSV_NEEDED:
        if needed not in heads:
            raise ChannelListError(f"{file}: the column {needed!r} is missing")
    found: dict[str, Channel] = {}
    for index, line in enumerate(lines):
        row = {
            str(key).strip(): (value or "").strip()
            for key, value in line.items()
            if isinstance(value, str | None)
        }
        _add_line(found, f"{file}: row {index}", row)
    return list(found.values())


def _add_line(found: dict[str, Channel], where: str, row: dict[str, str]) -> None:
    for needed in _CSV_NEEDED:
        if not row.get(needed):
            raise ChannelListError(f"{where}: {needed!r} is empty")
    try:
        layer = Layer(row["layer"])
    except ValueError as error:
        known = ", ".join(layer.value for layer in Layer)
        raise ChannelListError(f"{where}: 'layer' is {row['layer']!r}, not one of {known}") from error
    tier = row.get("tier") or "2"
    if not tier.isdigit():
        raise ChannelListError(f"{where}: 'tier' is {tier!r}, not 1 to 4")
    vantage = Vantage(
        name=row["vantage"],
        layer=layer,
        url=row["url"],
        cdn=row.get("cdn") or None,
        pop=row.get("pop") or None,
        service=row.get("service") or None,
        connect_to=row.get("connect_to") or None,
    )
    before = found.get(row["channel"])
    if before is not None:
        found[before.name] = msgspec.structs.replace(before, vantages=(*before.vantages, vantage))
        return
    found[row["channel"]] = Channel(
        name=row["channel"],
        vantages=(vantage,),
        region=row.get("region") or None,
        tier=int(tier[:4]),
        kind=row.get("kind") or "247",
        ingest=row.get("ingest") or None,
    )
