"""Where the prober may connect to.

A playlist or a redirect names the next host, so an outsider could aim our requests: at the metadata service
of a cloud (169.254.169.254), at a port of the bastion itself, at a file. The vantage's own host is trusted,
because the engineer wrote it; every other host may not resolve to an address that only this machine or this
link can reach.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

SCHEMES = ("http", "https")
PRIVATE_HEADERS = ("authorization", "cookie", "x-api-key", "x-auth-token", "proxy-authorization")
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
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(f"{parts.scheme or 'no scheme'}: only http and https are fetched")
    return Door(
        parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80), connect_to
    )


def is_same_host(url: str, trusted: str) -> bool:
    """Whether a URL that foreign text named leads to the host that the engineer named."""
    try:
        return urlsplit(url).hostname == urlsplit(trusted).hostname
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
    """The URL without credentials, query and fragment, printable ASCII, at most 300 characters."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        text = urlunsplit((parts.scheme, host, parts.path, "", ""))
    except ValueError:
        text = url.partition("?")[0]
        if "@" in text:
            text = "(a URL that cannot be read)"
    return printable(text, 300)


def printable(text: str, limit: int = 200) -> str:
    """Printable ASCII only, at most `limit` characters: what may leave this process as text."""
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


def literal(host: str) -> str | None:
    """The host as an IP address when it is one, else None."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
