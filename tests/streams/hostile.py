"""Answers of somebody who means harm, or of a proxy that means well."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from tests.streams.station import Reply

SECRET = "hunter2hunter2"
MANY = 100_000  # segments in one playlist, more than 4 MiB of text
BOMB_MIB = 96
PLAYLIST = "application/vnd.apple.mpegurl"
_MPD = (
    b'<?xml version="1.0"?><!DOCTYPE MPD [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic"><Period id="&b;&x;"/></MPD>'
)


def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    parts = [packer.compress(b"#EXTM3U\n")]
    parts += [packer.compress(b"#" * (1 << 20)) for _ in range(BOMB_MIB)]
    return b"".join([*parts, packer.flush()])


def _many() -> bytes:
    lines = ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:1"]
    for n in range(MANY):
        lines += ["#EXTINF:4.000,", f"a-segment-with-a-long-enough-name-{n:06d}.ts"]
    return "\n".join(lines).encode()


def _secret() -> bytes:
    return (
        f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=1x720\nhttp://admin:{SECRET}@origin.test/secret/720p.m3u8?token={SECRET}\n"
        f"#EXT-X-STREAM-INF:BANDWIDTH=900,RESOLUTION=1x480\nfile:///etc/passwd\n"
    ).encode()


MASTERS: dict[str, Reply] = {
    "html": Reply(200, {"Content-Type": "text/html"}, b"<html><script>alert(1)</script>\x1b[31mred\x1b]0;title\x07</html>"),
    "empty": Reply(200, {"Content-Type": PLAYLIST}, b""),
    "endless": Reply(200, {"Content-Type": PLAYLIST}, is_endless=True),
    "bomb": Reply(200, {"Content-Type": PLAYLIST, "Content-Encoding": "gzip"}, _bomb()),
    "to-file": Reply(302, {"Location": "file:///etc/passwd"}),
    "to-metadata": Reply(302, {"Location": "http://169.254.169.254/latest/meta-data/"}),
    "to-itself": Reply(302, {"Location": "master.m3u8"}),
    "many": Reply(200, {"Content-Type": PLAYLIST}, _many()),
    "doctype": Reply(200, {"Content-Type": "application/dash+xml"}, _MPD),
    "utf-16": Reply(200, {"Content-Type": PLAYLIST}, "#EXTM3U\n#EXT-X-TARGETDURATION:4\n".encode("utf-16")),
    "not-utf-8": Reply(
        200, {"Content-Type": PLAYLIST}, b"#EXTM3U\n#EXT-X-TARGETDURATION:\xff\xfe4\n#EXTINF:4,\n\x80\x81.ts\n#EXTINF:\xc3\x28,\n"
    ),
    "numbers": Reply(
        200,
        {"Content-Type": PLAYLIST},
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:99999999999999999999999999\n#EXTINF:4,\na.ts\n",
    ),
    "secret": Reply(200, {"Content-Type": PLAYLIST}, _secret()),
    "header": Reply(200, {"Content-Type": PLAYLIST, "X-Long": "x" * 60_000}, b"#EXTM3U\n"),
    "cut-gzip": Reply(200, {"Content-Type": PLAYLIST, "Content-Encoding": "gzip"}, _bomb()[:40]),
}


class HostileShow:
    """Answers its master as `MASTERS` has it, and 404 to all else."""

    def __init__(self, how: str) -> None:
        self.how = how

    def answer(self, vantage: str, path: str, headers: Mapping[str, str], t: float) -> Reply:
        if path.partition("?")[0] != "master.m3u8":
            return Reply(404, body=f"no: {SECRET}\n".encode(), delay_s=0.01)
        reply = MASTERS[self.how]
        return Reply(reply.status, reply.headers, reply.body, 0.01, is_endless=reply.is_endless)
