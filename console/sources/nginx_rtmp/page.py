"""The XML of `rtmp_stat all` as streams.

Two forms are in the field. Old: `<meta><framerate>25</framerate><video>H264</video>`, `<dropped>3/0</dropped>` (video/audio).
New: `<meta><video><frame_rate>25.000</frame_rate><codec>H264</codec>`, `<dropped>3</dropped>`. Rates are bit/s in both.
"""

from __future__ import annotations

import math
from xml.parsers import expat

import msgspec

from console.sources.sanitise import clean

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 16  # the page needs 8
MAX_STREAMS = 10_000
MAX_TEXT = 1000  # characters of one element; longer text is cut


class Publisher(msgspec.Struct, frozen=True):
    """The client that publishes."""

    id: str
    address: str = ""
    dropped: float | None = None  # frames since it came, video and audio


class RtmpStream(msgspec.Struct, frozen=True):
    """One `<stream>` of a live application."""

    application: str
    name: str
    bw_in_bps: float | None = None
    bw_video_bps: float | None = None
    bytes_in: float | None = None
    fps: float | None = None  # by the publisher's metadata, not measured
    codec: str = ""
    nclients: float | None = None
    publisher: Publisher | None = None

    @property
    def path(self) -> str:
        return f"{self.application}/{self.name}" if self.application else self.name


class RtmpPage(msgspec.Struct, frozen=True):
    """One answer."""

    streams: tuple[RtmpStream, ...]
    version: str = ""
    is_cut: bool = False  # there were more streams than are looked at


class Decoder:
    """For `HttpBackend.get`."""

    def decode(self, content: bytes, /) -> RtmpPage:
        return read(content)


def read(content: bytes) -> RtmpPage:
    """Raises ValueError for what is no such page."""
    if len(content) > MAX_BYTES:
        raise ValueError(f"{len(content)} bytes, the limit is {MAX_BYTES}")
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML: {error}") from error
    if not reader.is_rtmp:
        raise ValueError("XML, but no page of nginx-rtmp's statistics (no <rtmp>)")
    return RtmpPage(tuple(reader.streams), reader.version, reader.is_cut)


def _refuse_doctype(name: str, *_: object) -> None:
    raise ValueError(f"a DOCTYPE ({clean(name, 40)}): entities are not expanded")


class _Reader:
    """Follows the document by the path of open elements; holds one stream at a time."""

    def __init__(self) -> None:
        self.streams: list[RtmpStream] = []
        self.version = ""
        self.is_rtmp = False
        self.is_cut = False
        self._open: list[str] = []
        self._text = ""
        self._application = ""
        self._stream: dict[str, str] | None = None
        self._client: dict[str, str] | None = None
        self._publisher: Publisher | None = None

    def start(self, name: str, _: dict[str, str]) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        if not self._open:
            self.is_rtmp = name == "rtmp"
        self._open.append(name)
        self._text = ""
        if name == "application":
            self._application = ""
        elif name == "stream" and self._open[-2:-1] == ["live"]:
            self._stream, self._publisher = {}, None
        elif name == "client" and self._stream is not None:
            self._client = {}

    def text(self, data: str) -> None:
        if len(self._text) < MAX_TEXT:
            self._text += data[: MAX_TEXT - len(self._text)]

    def end(self, name: str) -> None:
        self._open.pop()
        text, self._text = self._text.strip(), ""
        parent = self._open[-1] if self._open else ""
        if self._client is not None:
            if name == "client":
                self._close_client()
            elif parent == "client":
                self._client[name] = text
        elif self._stream is not None:
            if name == "stream":
                self._close_stream()
            elif parent == "stream" or "meta" in self._open:
                self._stream[f"{parent}/{name}" if parent != "stream" else name] = text
        elif name == "name" and parent == "application":
            self._application = clean(text, 253)
        elif name == "nginx_rtmp_version":
            self.version = clean(text, 40)

    def _close_client(self) -> None:
        client, self._client = self._client or {}, None
        if "publishing" in client:
            dropped = [_number(part) for part in client.get("dropped", "").split("/")]
            known = [number for number in dropped if number is not None]
            self._publisher = Publisher(
                clean(client.get("id", ""), 40), clean(client.get("address", ""), 80), sum(known) if known else None
            )

    def _close_stream(self) -> None:
        told, self._stream = self._stream or {}, None
        name = clean(told.get("name", ""), 253)
        if not name:
            return
        if len(self.streams) >= MAX_STREAMS:
            self.is_cut = True
            return
        self.streams.append(
            RtmpStream(
                application=self._application,
                name=name,
                bw_in_bps=_number(told.get("bw_in", "")),
                bw_video_bps=_number(told.get("bw_video", "")),
                bytes_in=_number(told.get("bytes_in", "")),
                fps=_number(told.get("video/frame_rate") or told.get("meta/framerate", "")),
                codec=clean(told.get("video/codec") or told.get("meta/video", ""), 20),
                nclients=_number(told.get("nclients", "")),
                publisher=self._publisher,
            )
        )


def _number(text: str) -> float | None:
    """None for what is no number that a counter or a rate can have."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
