"""A templated HTTP action: how a CDN broker, or whatever else shares out traffic by weights, is told to."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from console.config.backend import Backend
from console.config.kinds import Name, Seconds, Url

Weight = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
Status = Annotated[int, msgspec.Meta(ge=200, le=299)]


class Method(StrEnum):
    """How it is written; how it is read is always GET."""

    PUT = "PUT"
    PATCH = "PATCH"
    POST = "POST"


class SwitchTarget(msgspec.Struct, frozen=True, kw_only=True):
    """One of those among whom the traffic is shared: a CDN, an origin. Its name is the placeholder of its weight."""

    pointer: Name  # RFC 6901, of its weight in the answer to the verify query
    gauge: str | None = None  # name of the gauge of the site that tells its load; without one it is not known
    least: Weight = 0
    most: Weight = 100


class SwitchParameter(msgspec.Struct, frozen=True, kw_only=True):
    """What else may be chosen: one of some words, or an integer within bounds. Never a free text."""

    words: tuple[Name, ...] = ()
    least: int | None = None
    most: int | None = None
    default: str | None = None  # as it would be given; None: it must be


class Switch(Backend, frozen=True, kw_only=True):
    """`[sites.X.switches.NAME]`. `{NAME}` in the path of an address, in a header or in the body stands for a parameter or
    for the weight of a target. Scheme and host are always written out.
    """

    method: Method = Method.PUT
    body: str = ""
    expected_status: tuple[Status, ...] = (200, 204)
    verify_url: Url | None = None  # GET; the same address if not given
    if_match: bool = True  # the ETag of the verify query, taken right before, goes with the write
    ttl_s: Seconds = 60.0  # how long what was answered before is still believed by those who asked
    settle_s: Seconds | None = None  # how long after a step the gauges tell of it; never less than the TTL
    services: tuple[Name, ...] = ()  # behind it: says which channels depend on it
    parameters: dict[Name, SwitchParameter] = {}
    targets: dict[Name, SwitchTarget]
