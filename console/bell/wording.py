"""What a thread says: a message made of its news and of what is seen of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from console.bell.book import LINES, News, Thread
from console.bell.looking import Sighting
from console.bell.worst import worst_of
from console.chat.composing import HEAD, composed, for_programs
from console.chat.inert import inert
from console.chat.message import Line, Message, Section
from console.model.severity import Severity
from console.redaction.redactor import Redactor
from console.rows.units import clock

NAMED = 8  # names of alerts in one text; the rest is counted
STORM_LINES = 5
_COUNTED, _ALERTS, _NAMES, _NOTED = -20, -15, -3, -2  # before the worst of the digest


def worded(thread: Thread, news: News, seen: Sighting, redactor: Redactor) -> Message:
    """The next text of a thread. Its id is the thread's and a number, so that a crash in between makes no second one."""
    lean = msgspec.structs.replace(seen.digest, panes=tuple(worst_of(pane) for pane in seen.digest.panes))
    base = composed(lean, redactor)

    def told(text: str, limit: int) -> str:
        return inert(redactor(text, limit), limit)

    lines = tuple(Line(told(text, 300), rank) for text, rank in _lines(thread, news, seen))
    return msgspec.structs.replace(
        base,
        id=identity(thread.name, thread.told),
        head=told(_head(thread, seen), HEAD),
        severity=(Severity.OK if not thread.firing else Severity(thread.severity)).value,
        sections=(Section("Alerts", lines), *base.sections),
    )


def identity(thread: str, number: int) -> str:
    return "mw-" + hashlib.sha256(f"{thread}/{number}".encode()).hexdigest()[:12]


def document(thread: Thread, news: News, seen: Sighting, redactor: Redactor) -> dict[str, Any]:
    """For programs: the snapshot's contract, and beside it what it is about."""
    return {
        **for_programs(seen.digest, redactor),
        "alerts": {
            "status": "firing" if thread.firing else "resolved",
            "title": thread.title,
            "storm": thread.is_storm,
            "groups": thread.groups,
            "firing": thread.firing,
            "fired": news.fired,
            "resolved": news.resolved,
            "fired_in_all": _in_all(thread)[0],
            "resolved_in_all": _in_all(thread)[1],
            "left_out": news.left_out,
            "unreadable": news.unreadable,
            "names": dict(news.names),
        },
    }


def _in_all(thread: Thread) -> tuple[int, int]:
    """Fired and resolved, up to this text: what came since is in the next."""
    since = thread.news or News()
    return thread.fired - since.fired, thread.resolved - since.resolved


def _head(thread: Thread, seen: Sighting) -> str:
    if thread.firing:
        word = f"FIRING {thread.firing:,}" if thread.firing > 1 else "FIRING"
    else:
        word = "RESOLVED"
    title = f"alert storm, {thread.groups:,} groups" if thread.is_storm else thread.title
    where = f" · {seen.scope}" if seen.scope else ""
    return f"{seen.digest.site} · {word} · {title}{where} · {clock(seen.digest.taken_at, with_seconds=False)} UTC"


def _lines(thread: Thread, news: News, seen: Sighting) -> Iterator[tuple[str, int]]:
    since = " since the text before" if thread.told else ""
    parts = [f"{count:,} {word}" for count, word in ((news.fired, "fired"), (news.resolved, "resolved")) if count]
    now = f"{thread.firing:,} firing now" if thread.firing else "none fires any more"
    fired, resolved = _in_all(thread)
    in_all = f"; in all {fired:,} fired, {resolved:,} resolved" if thread.told else ""
    of = f", in {thread.groups:,} groups" if thread.groups > 1 else ""
    yield f"{' and '.join(parts) or 'nothing that could be read'}{since}; {now}{of}{in_all}", _COUNTED
    shown = news.lines[: STORM_LINES if thread.is_storm else LINES]
    for at, line in enumerate(shown):
        yield line, _ALERTS + at
    if news.fired + news.resolved > len(shown):
        counts = sorted(news.names.items(), key=lambda item: (-item[1], item[0]))
        told = [f"{name} ×{count:,}" for name, count in counts[:NAMED]]
        rest = f"{sum(count for _, count in counts[NAMED:]):,} of {len(counts) - NAMED} other names"
        yield " · ".join([*told, *([rest] if len(counts) > NAMED else [])]), _NAMES
    if news.left_out:
        yield f"and {news.left_out:,} more that were left out of the call (truncatedAlerts): Alertmanager has them", _NOTED
    if news.unreadable:
        yield f"{news.unreadable:,} alerts could not be read and are not counted", _NOTED
    if seen.unknown:
        names = ", ".join(f"{dimension} {value}" for dimension, value in seen.unknown)
        yield f"not known here: {names}; what is shown is not narrowed by it", _NOTED
