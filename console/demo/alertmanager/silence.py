"""A silence, and the rules one Alertmanager keeps its silences by (its silence.go)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from uuid import uuid4

import msgspec

from console.demo.alertmanager.errors import BadRequest
from console.demo.alertmanager.matcher import Matcher
from console.demo.alertmanager.regexp import BadRegexp, compiled
from console.demo.world.truth import rfc3339

RETENTION = timedelta(hours=120)
"""An expired silence is forgotten this long after its end (--data.retention)."""
MAX_SILENCES = 10_000
"""Of one peer, expired ones included (--silences.max-silences)."""
_ORDER = {"active": 0, "pending": 1, "expired": 2}
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class Draft(msgspec.Struct, frozen=True):
    """What was posted. Its matchers are spelled (name, operator, value): nobody has looked at them yet."""

    id: str
    matchers: tuple[tuple[str, str, str], ...]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


class Silence(msgspec.Struct, frozen=True):
    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    updated_at: datetime
    created_by: str
    comment: str

    def state(self, t: datetime) -> str:
        if t < self.starts_at:
            return "pending"
        return "active" if t < self.ends_at else "expired"

    def mutes(self, labels: dict[str, str]) -> bool:
        return all(matcher.accepts(labels) for matcher in self.matchers)

    def has(self, wanted: Matcher) -> bool:
        """A filter asks for a matcher that is spelled alike, not for one that would match alike."""
        return any(matcher.spelled == wanted.spelled for matcher in self.matchers)

    def shown(self, t: datetime) -> dict[str, object]:
        return {
            "id": self.id, "status": {"state": self.state(t)}, "updatedAt": rfc3339(self.updated_at),
            "comment": self.comment, "createdBy": self.created_by, "endsAt": rfc3339(self.ends_at),
            "matchers": [matcher.shown() for matcher in self.matchers], "startsAt": rfc3339(self.starts_at),
        }


def expired(silence: Silence, t: datetime) -> Silence:
    starts = t if silence.state(t) == "pending" else silence.starts_at
    return msgspec.structs.replace(silence, starts_at=starts, ends_at=t, updated_at=t)


def in_order(silences: Iterable[Silence], t: datetime) -> list[Silence]:
    """Active by their end, then pending by their start, then expired, the latest first."""

    def key(silence: Silence) -> tuple[int, float, str]:
        state = silence.state(t)
        first = {"active": silence.ends_at.timestamp(), "pending": silence.starts_at.timestamp(),
                 "expired": -silence.ends_at.timestamp()}[state]
        return _ORDER[state], first, silence.id

    return sorted(silences, key=key)


def _quoted(text: str) -> str:
    """Go's %q."""
    return json.dumps(text, ensure_ascii=False)


def _matchers(draft: Draft) -> tuple[Matcher, ...]:
    """Raises BadRequest in Alertmanager's words."""
    found = []
    for index, (name, operator, value) in enumerate(draft.matchers):
        where = f"silence invalid: invalid label matcher {index}"
        if _LABEL.fullmatch(name) is None:
            raise BadRequest(f"{where}: invalid label name {_quoted(name)}")
        try:
            pattern = compiled(value) if operator.endswith("~") else None
        except BadRegexp as wrong:
            raise BadRequest(f"{where}: invalid regular expression {_quoted(value)}: {wrong}") from wrong
        found.append(Matcher(name, operator, value, pattern))
    # As in the original, a matcher for inequality never counts as one that matches the empty string.
    if all(matcher.operator in ("=", "=~") and matcher.accepts({}) for matcher in found):
        raise BadRequest("silence invalid: at least one matcher must not match the empty string")
    return tuple(found)


class Silences:
    """What one peer knows. `told` hears of every silence that this peer itself made or changed."""

    def __init__(self, told: Callable[[Silence], None]) -> None:
        self._known: dict[str, Silence] = {}
        self._told = told

    def get(self, id: str) -> Silence | None:
        return self._known.get(id)

    def all(self) -> list[Silence]:
        return list(self._known.values())

    def silencing(self, labels: dict[str, str], t: datetime) -> list[str]:
        """Ids of the active silences that match, in order."""
        return sorted(s.id for s in self._known.values() if s.state(t) == "active" and s.mutes(labels))

    def heard(self, silence: Silence) -> None:
        """From the other peer; the newer of two versions stays."""
        known = self._known.get(silence.id)
        if known is None or known.updated_at < silence.updated_at:
            self._known[silence.id] = silence

    def set(self, draft: Draft, t: datetime) -> str:
        """The id of what is there afterwards. Raises BadRequest; by then an old silence may have been expired,
        for the real one also looks at the new matchers last."""
        known = self._known.get(draft.id)
        if draft.id and known is None:
            raise BadRequest("silence not found", 404)
        if known is not None and self._may_update(known, draft, t):
            self._put(msgspec.structs.replace(
                known, starts_at=draft.starts_at, ends_at=draft.ends_at, updated_at=t,
                created_by=draft.created_by, comment=draft.comment,
            ))
            return known.id
        if known is not None and known.state(t) != "expired":
            self._put(expired(known, t))
        matchers = _matchers(draft)
        self._forget(t)
        if len(self._known) >= MAX_SILENCES:
            raise BadRequest(f"exceeded maximum number of silences: {len(self._known)} (limit: {MAX_SILENCES})")
        made = Silence(str(uuid4()), matchers, max(draft.starts_at, t), draft.ends_at, t, draft.created_by,
                       draft.comment)
        self._put(made)
        return made.id

    @staticmethod
    def _may_update(known: Silence, draft: Draft, t: datetime) -> bool:
        if tuple(matcher.spelled for matcher in known.matchers) != draft.matchers:
            return False
        state = known.state(t)
        if state == "active":
            # Whole seconds: an edit sends back the milliseconds it was shown, which are not all there are.
            return int(draft.starts_at.timestamp()) == int(known.starts_at.timestamp())
        return state == "pending" and draft.starts_at >= t

    def expire(self, id: str, t: datetime) -> bool:
        """False when there is none. One that has expired stays as it is."""
        known = self._known.get(id)
        if known is None:
            return False
        if known.state(t) != "expired":
            self._put(expired(known, t))
        return True

    def _put(self, silence: Silence) -> None:
        self._known[silence.id] = silence
        self._told(silence)

    def _forget(self, t: datetime) -> None:
        for silence in [s for s in self._known.values() if t - s.ends_at > RETENTION]:
            del self._known[silence.id]
