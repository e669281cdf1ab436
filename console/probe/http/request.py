"""A question as the bytes of its request, without its condition: the same for every poll of one playlist.

A URL of a playlist is foreign text: whatever is no visible ASCII is percent-encoded, and a host or header that could end a
line is refused, so that nobody writes a request of his own into ours.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote

URL_LIMIT = 16_384  # characters
AGENT = "midwatch-prober"
_SAFE = "%/:=&?~+!$,;'@()*[]"
_PLAIN = re.compile(r"[A-Za-z0-9\-._~%/:=&?+!$,;'@()*\[\]]*").fullmatch
_HOST = re.compile(r"[A-Za-z0-9\-._~:%]+").fullmatch
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+").fullmatch
_ENDS_LINE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]").search
_OURS = ("host", "accept-encoding", "connection", "content-length", "transfer-encoding", "if-none-match")


def host_of(parts: SplitResult) -> str:
    """The host in ASCII, as names are asked for. Raises ValueError."""
    host = parts.hostname or ""
    if not host.isascii():
        host = host.encode("idna").decode()  # UnicodeError is a ValueError, and says what it cannot encode
    if not _HOST(host):
        raise ValueError("the URL's host is no host name")
    return host


@lru_cache(1024)
def _host_line(scheme: str, netloc: str) -> str:
    """What the Host header says. Raises ValueError."""
    parts = SplitResult(scheme, netloc, "", "", "")
    host, port = host_of(parts), parts.port
    name = f"[{host}]" if ":" in host else host
    return f"{name}:{port}" if port is not None and port != (443 if scheme == "https" else 80) else name


def request_head(
    method: str, parts: SplitResult, headers: Mapping[str, str], is_own: bool, byte_range: str
) -> bytes:
    """All lines but If-None-Match and the empty one. `is_own`: the vantage's host, whose headers may name another Host.
    Raises ValueError for what cannot be asked.
    """
    netloc = _host_line(parts.scheme, parts.netloc)
    target = _quoted(parts.path or "/") + (f"?{_quoted(parts.query)}" if parts.query else "")
    if len(target) > URL_LIMIT:
        raise ValueError(f"a URL of {len(target)} characters; the limit is {URL_LIMIT}")
    given = {name.lower(): (name, value) for name, value in headers.items()}
    if is_own and "host" in given:
        netloc = given["host"][1]
    lines = [f"{method} {target if target.startswith('/') else '/' + target} HTTP/1.1", f"Host: {netloc}"]
    given.setdefault("user-agent", ("User-Agent", AGENT))
    if "@" in parts.netloc and "authorization" not in given and parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        given["authorization"] = ("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
    if byte_range:
        given["range"] = ("Range", byte_range)
    for low, (name, value) in given.items():
        if low in _OURS:
            continue
        if not _NAME(name):
            raise ValueError("a header's name is no token")
        lines.append(f"{name}: {value}")
    lines.append("Accept-Encoding: gzip")
    if any(map(_ENDS_LINE, lines)):
        raise ValueError("a header's value holds a control character")
    return ("\r\n".join(lines) + "\r\n").encode()


def _quoted(text: str) -> str:
    return text if _PLAIN(text) else quote(text, safe=_SAFE)
