"""The question that was asked, to be asked again by hand: a curl command without a single secret in it.

What the configuration calls a credential never comes here by value: a header is named and REDACTED, a query keeps its names
and loses its values, the user and password of a URL go, and so do the parts of a path that look like a signature. Who pastes
the line into a chat gives nothing away; who needs the token fetches it the way the configuration does.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import SplitResult, urlsplit, urlunsplit

from console.model.channel import Channel, Vantage
from console.model.finding import Finding
from console.rows.about import vantages_of

REDACTED = "REDACTED"
_ASSIGNED = re.compile(r"=[^~;&/]*")  # hdnts=exp=17~acl=/*~hmac=ab: every value, wherever it stands
_JWT = re.compile(r"eyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
_LONG = re.compile(r"[A-Za-z0-9+%_-]{40,}")  # a UUID has 36 characters


def of_finding(channel: Channel, finding: Finding) -> str:
    """What showed the finding, at the vantage that showed it first; the master where the finding names no URL."""
    names = vantages_of(channel, finding)
    vantage = next((each for each in channel.vantages if each.name in names), None)
    if vantage is None:
        return of_channel(channel)
    url = finding.evidence.get("url")
    return command(vantage, url if isinstance(url, str) and url.startswith(("http://", "https://")) else vantage.url)


def of_channel(channel: Channel) -> str:
    """The channel's master at its origin, else at its first vantage; "" for a channel of none."""
    vantage = channel.origin or next(iter(channel.vantages), None)
    return command(vantage, vantage.url) if vantage is not None else ""


def command(vantage: Vantage, url: str) -> str:
    """`curl` of one URL as this vantage is asked: the same door, the same names of headers, nothing secret. "" for a URL that
    cannot be read: what cannot be taken apart cannot be redacted.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    words = ["curl", "-sS", "-i", "--compressed", "--max-time", "5"]
    if vantage.connect_to and parts.hostname:
        port = _port(parts)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        words += ["--connect-to", f"{host}:{port}:{vantage.connect_to}"]
    for name in vantage.headers:
        words += ["-H", f"{name}: {REDACTED}"]
    words.append(redacted(url, is_signed=bool(vantage.token_command)))
    return " ".join(shlex.quote(word) for word in words)


def redacted(url: str, *, is_signed: bool = False) -> str:
    """The URL without user, password, fragment, the values of its query, and what in its path looks like a signature."""
    parts = urlsplit(url)
    pairs = [pair.partition("=") for pair in parts.query.split("&") if pair]
    query = "&".join(
        f"{name}={REDACTED}" if equals else REDACTED for name, equals, _ in pairs
    )  # a bare word may be the token
    if is_signed and not query:
        query = REDACTED
    path = "/".join(_without_signature(each) for each in parts.path.split("/"))
    return urlunsplit((parts.scheme, _host(parts), path, query, ""))


def _without_signature(segment: str) -> str:
    segment = _ASSIGNED.sub(f"={REDACTED}", segment)
    segment = _JWT.sub(REDACTED, segment)
    return _LONG.sub(REDACTED, segment)


def _host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _port(parts: SplitResult) -> int:
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        return 443 if parts.scheme == "https" else 80
