"""Where the prober may connect to.

A playlist or a redirect names the next host, so an outsider could aim our requests: at the metadata service
of a cloud (169.254.169.254), at a port of the bastion itself, at a file. The vantage's own host is trusted,
because the engineer wrote it; every other host may not resolve to an address that only this machine or this
link can reach.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple
from urllib.parse import urlsplit, urlunsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

SCHEMES = ("http", "https")
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


class FixedResolver(AbstractResolver):
    """Maps the vantage's host to its `connect_to`; Host header and SNI stay those of the URL."""

    def __init__(self, address: str, port: int) -> None:
        self._address = address
        self._port = port

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        literal_family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        return [
            ResolveResult(
                hostname=host,
                host=self._address,
                port=self._port,
                family=literal_family,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
        ]

    async def close(self) -> None:
        """Nothing is held."""


class GuardedResolver(ThreadedResolver):
    """The system's resolver for hosts that foreign text named: forbidden addresses are refused, after
    resolution.
    """

    def __init__(self, is_own_loopback: bool) -> None:
        super().__init__()
        self._is_own_loopback = is_own_loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        allowed = [one for one in found if not is_forbidden(one["host"], self._is_own_loopback)]
        if not allowed:
            raise ForbiddenAddress(f"{host} resolves to an address that only this machine can reach")
        return allowed
