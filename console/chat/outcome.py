"""What became of one attempt, in three words; and how HTTP's own answers are read, before a service's are."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.chat.letter import Receipt
from console.sources.status import retry_after_of

RETRIED = (408, 425, 429)


class Delivered(msgspec.Struct, frozen=True):
    """It arrived."""

    receipt: Receipt


class Again(msgspec.Struct, frozen=True):
    """It did not, or nobody knows. `after_s`: the service's own wish; `is_throttled`: meant for every letter, not this one."""

    why: str
    after_s: float | None = None
    is_throttled: bool = False


class Refused(msgspec.Struct, frozen=True):
    """It never will. `is_broken`: nothing else will either, until the configuration is mended."""

    why: str
    is_broken: bool = False


Outcome = Delivered | Again | Refused


class Answer(msgspec.Struct, frozen=True):
    """What came back. `status` None: nothing that can be believed; `why` says what instead."""

    status: int | None
    headers: Mapping[str, str] = {}
    body: bytes = b""
    why: str = ""

    @property
    def is_page(self) -> bool:
        """HTML: a proxy speaks, or a login, never the service."""
        kind = self.headers.get("content-type", "").lower()
        return "html" in kind or self.body[:64].lstrip()[:1] == b"<"

    def json(self) -> dict[str, object] | None:
        """The answer as an object; None for anything else."""
        try:
            told = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return told if isinstance(told, dict) else None


def unwell(answer: Answer) -> Again | Refused | None:
    """What HTTP says against it; None for a 2xx that is no page."""
    if answer.status is None:
        return Again(answer.why)
    after_s = retry_after_of(answer.headers)
    if answer.status in RETRIED or answer.status >= 500:
        return Again(f"HTTP {answer.status}", after_s, is_throttled=answer.status == 429 or after_s is not None)
    if answer.is_page:
        return Again(f"HTTP {answer.status} with an HTML page: a proxy or a login answers there")
    if answer.status >= 400:
        return Refused(f"HTTP {answer.status}", is_broken=answer.status in (401, 403, 404, 410))
    if answer.status >= 300:
        return Refused(f"HTTP {answer.status}: it points elsewhere, which is not followed; check the address", is_broken=True)
    return None
