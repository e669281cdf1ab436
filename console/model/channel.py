"""A channel, and the places from which it is watched."""

from __future__ import annotations

from datetime import datetime

import msgspec

from console.model.severity import Layer


class Vantage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One place to fetch a channel from: the origin, or an edge of a CDN at a PoP."""

    name: str  # "origin", "edge-lhr"
    layer: Layer
    url: str  # the master playlist (or a media playlist)
    cdn: str | None = None
    pop: str | None = None
    service: str | None = None  # the workload that serves it: "edge-lhr"
    connect_to: str | None = None  # "ip:port": connect there, keep Host and SNI of the url
    headers: dict[str, str] = {}
    token_command: tuple[str, ...] = ()  # prints the signed query string; run without a shell


class Window(msgspec.Struct, frozen=True):
    """A time from `start` up to `end`."""

    start: datetime  # UTC
    end: datetime


class Channel(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is on air, and which workload does which part of it."""

    name: str
    vantages: tuple[Vantage, ...]
    region: str | None = None
    tier: int = 2  # 1 (most important) .. 4
    kind: str = "247"  # live | event | 247 | vod
    services: dict[str, str] = {}  # layer -> workload, {"package": "packager-emea"}: the way from a finding to its pods
    renditions: tuple[str, ...] = ()  # expected ladder; empty: learned from the first master
    schedule: tuple[Window, ...] = ()  # when it is on air; empty: always
    maintenance: tuple[Window, ...] = ()  # when nobody is to be woken for it
    ingest: str | None = None  # how ingest servers name its contribution, "live/uk-sport-1"; None: by its own name

    @property
    def origin(self) -> Vantage | None:
        """The vantage that counts as the origin: the one of that layer, or the only one there is."""
        for vantage in self.vantages:
            if vantage.layer is Layer.ORIGIN:
                return vantage
        return self.vantages[0] if len(self.vantages) == 1 else None

    @property
    def edges(self) -> tuple[Vantage, ...]:
        """The vantages of layer edge."""
        return tuple(vantage for vantage in self.vantages if vantage.layer is Layer.EDGE)
