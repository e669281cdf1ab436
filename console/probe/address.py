"""Where the prober may connect to.

A playlist or a redirect names the next host, so an outsider could aim our requests: at the metadata service
of a cloud (169.254.169.254), at a port of the bastion itself, at a file. The vantage's own host is trusted,
because the engineer wrote it; every other host may not resolve to an address that only this machine or this
link can reach.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit, urlunsplit

SCHEMES = ("http", "https")
PRIVATE_HEADERS = ("authorization", "cookie", "x-api-key", "x-auth-token", "proxy-authorization")
_SIGNED = re.compile(
    r"(?i)(?<![\w-])(hdn[a-z]{1,3}|exp|acl|hmac|hash|md5|sig[a-z]{0,7}|token|auth|key|key-pair-id|policy)=[^/~;&]*"
)
"""Of a path, as CDNs sign it: /hdnts=exp=17~acl=/*~hmac=ab/live/x.m3u8, /token=abc/live/x.m3u8."""
_METADATA_V6 = ipaddress.ip_address("fd00:ec2::254")


class ForbiddenAddress(OSError):
    """A host that a playlist or redirect named lies where the prober must not go."""


class Door(NamedTuple):
    """One way to one host: what sessions, connection pools and concurrency limits belong to."""

    scheme: str
    host: str
    port: int
    connect_to: str | None


def door_of(url: str, connect_to: str | None) -> Door:
    """The door of a URL. Raises ValueError for a URL that is not http(s) or names no host."""
    parts = urlsplit(url)
    host, port = host_and_port(parts.netloc)
    if parts.scheme not in SCHEMES or not host:
        raise ValueError(f"{parts.scheme or 'no scheme'}: only http and https are fetched")
    return Door(parts.scheme, host, port or (443 if parts.scheme == "https" else 80), connect_to)


@lru_cache(1024)  # a fleet has few hosts, and `urllib` would find them anew for every URL
def host_and_port(netloc: str) -> tuple[str | None, int | None]:
    """Of a URL's `netloc`. Raises ValueError for what is no port."""
    parts = SplitResult("", netloc, "", "", "")
    return parts.hostname, parts.port


def is_same_host(url: str, trusted: str) -> bool:
    """Whether a URL that foreign text named leads to the host that the engineer named."""
    try:
        return host_and_port(urlsplit(url).netloc)[0] == host_and_port(urlsplit(trusted).netloc)[0]
    except ValueError:
        return False


def split_address(connect_to: str) -> tuple[str, int]:
    """`ip:port` or `[ip6]:port`. Raises ValueError naming what was given."""
    host, _, port = connect_to.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"connect_to {connect_to!r} is not ip:port")
    return host, int(port)


def shown(url: str) -> str:
    """The URL without credentials, query and fragment, and without what a path is signed by; printable ASCII, at most 300
    characters.
    """
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        text = urlunsplit((parts.scheme, host, _SIGNED.sub(r"\1=[redacted]", parts.path), "", ""))
    except ValueError:
        text = url.partition("?")[0]
        if "@" in text:
            text = "(a URL that cannot be read)"
    return printable(text, 300)


def printable(text: str, limit: int = 200) -> str:
    """Printable ASCII only, at most `limit` characters: what may leave this process as text."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    kept = "".join(c if " " <= c <= "~" else "?" for c in text[: limit + 1])
    return kept if len(kept) <= limit else kept[: limit - 3] + "..."


def is_forbidden(address: str, is_own_loopback: bool) -> bool:
    """Whether an address that a playlist or redirect led to is out of bounds."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    if mapped is not None:
        ip = mapped
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified or ip == _METADATA_V6:
        return True
    return ip.is_loopback and not is_own_loopback


@lru_cache(1024)
def literal(host: str) -> str | None:
    """The host as an IP address when it is one, else None."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
