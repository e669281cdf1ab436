"""The bytes that would go out: every write is a value before it is a request, so that the plan can show it, its hash can
cover it, and nothing else can be sent.

Each kind says by what it can be known afterwards whether it took effect, because an answer can be lost.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from console.actions.audit.kinds import Found
from console.actions.audit.operation import Outcome, Value


class Expect(msgspec.Struct, frozen=True):
    """`pointer` (RFC 6901) of the object holds `value`; a value of None means that the field is absent or null."""

    pointer: str
    value: Value


class KubeWrite(msgspec.Struct, frozen=True, kw_only=True, tag="kubernetes"):
    """One request to an API server. The object at `read_path` tells by `after` that it took effect, by `before` that it
    did not; anything else is unclear. An empty `after` means: the object with this uid is gone (or going).
    """

    cluster: str
    method: str  # PATCH, PUT, POST, DELETE
    path: str
    content_type: str = "application/json"
    body: str = ""  # JSON, exactly as it will be sent
    read_path: str
    uid: str = ""
    before: tuple[Expect, ...] = ()
    after: tuple[Expect, ...] = ()


class SilenceWrite(msgspec.Struct, frozen=True, kw_only=True, tag="silence"):
    """POST a silence, or expire one. POST is not idempotent: `marker` stands in the comment and is looked for."""

    url: str  # of the peer that is asked
    body: str = ""  # JSON of the silence; empty: expire `id`
    id: str = ""
    marker: str = ""  # "op:3f2a…"


class HaproxyWrite(msgspec.Struct, frozen=True, kw_only=True, tag="haproxy"):
    """One line to one balancer's runtime API, which has no compare-and-set: what is there is read right before."""

    balancer: str  # GROUP/NAME of the configuration
    backend: str
    server: str
    command: str  # "set server be/s1 weight 50"
    field: str  # weight | state
    before: str
    after: str


class HttpWrite(msgspec.Struct, frozen=True, kw_only=True, tag="http"):
    """One request of a templated HTTP action. The verify query answers JSON in which `pointer` tells the value."""

    switch: str
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    if_match: str = ""
    takes_etag: bool = False  # If-Match is the ETag with which the verify query answered `before`, right before the write
    expected_status: tuple[int, ...] = (200, 204)
    verify_url: str
    before: tuple[Expect, ...] = ()
    after: tuple[Expect, ...] = ()


class NoWrite(msgspec.Struct, frozen=True, tag="none"):
    """A step whose whole effect is its record in the journal: an acknowledgement."""


def is_repeatable(write: KubeWrite | SilenceWrite | HaproxyWrite | HttpWrite | NoWrite) -> bool:
    """Whether sending it again can never do it twice: its precondition is in it, or it names the end and not the way."""
    match write:
        case KubeWrite():
            return True  # tests of uid and generation, or the uid of the pod
        case SilenceWrite():
            return bool(write.id)  # expiring twice is expiring; posting twice is two silences
        case HttpWrite():
            return bool(write.if_match) or write.takes_etag
        case HaproxyWrite() | NoWrite():
            return True


Write = KubeWrite | SilenceWrite | HaproxyWrite | HttpWrite | NoWrite


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one attempt. SUCCESS: the server says it took effect. FAILURE: it says it did not, or nothing was
    sent. UNKNOWN: bytes went out and no answer came that can be believed.
    """

    outcome: Outcome
    text: str = ""  # the server's words, or what happened to the connection
    status: int | None = None
    uid: str = ""
    generation: int | None = None
    id: str = ""  # what the server minted: a silence's id
    is_drift: bool = False  # 409, 412, 422 of a failed test: the world is not the one that was planned for
    is_busy: bool = False  # 429: not executed, and may be sent again
    retry_after_s: float | None = None  # the server's own wish, with `is_busy`


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """What reading back showed."""

    found: Found
    text: str = ""
    uid: str = ""
    generation: int | None = None
    id: str = ""


class Hand(Protocol):
    """A writing client: the only thing that can change an outside system. One per kind of write."""

    async def do(self, write: Any, operation: str, person: Any) -> Answer:
        """Send it once. Never raises for the other side's sake."""
        ...

    async def read_back(self, write: Any) -> Echo:
        """Look whether it took effect. Never raises for the other side's sake."""
        ...

    async def close(self) -> None: ...
