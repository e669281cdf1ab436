"""From a digest to a message: what is told, in which words, and how important each line is. Pure; the same digest gives the
same message, id included.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import msgspec

from console.chat.inert import inert
from console.chat.message import Line, Message, Section
from console.model.severity import Severity, State
from console.redaction.redactor import Redactor
from console.rows import lines, pods, streams
from console.rows.digest import (
    TELLERS,
    Digest,
    document,
    headline,
    how,
    is_absent,
    is_unwell,
    open_incidents,
    unwell,
    verdict_rows,
)
from console.rows.pane import Pane
from console.rows.units import clock

TOLD = 5  # rows of a pane; the rest is counted
LOG_LINES = 10
LINE = 300  # characters
HEAD = 200
DOCUMENT_BYTES = 512 * 1024
_FIRST = {Severity.CRIT: 100, Severity.WARN: 400, Severity.UNKNOWN: 500, Severity.OK: 700}
_INCIDENT, _UNWELL, _ROLLOUT, _COUNTED, _SUMMARY, _FOLLOWS, _LOG = 0, 200, 300, 550, 600, 800, 900


def composed(digest: Digest, redactor: Redactor, *, said: str = "") -> Message:
    """What people are told of a digest. `said` makes another id of the same digest (why it was posted: an alert's key)."""

    def told(text: str, limit: int = LINE) -> str:
        return inert(redactor(text, limit), limit)

    sections = [Section(told(pane.title, 40), _lines(_of_pane(pane, digest), told)) for pane in digest.panes]
    incidents = _lines(_of_incidents(digest), told)
    if incidents:
        sections.insert(0, Section("Incident", incidents))
    return Message(
        id=identity(digest, said),
        head=told(headline(digest), HEAD),
        severity=digest.severity.value,
        taken_at=digest.taken_at,
        sections=tuple(section for section in sections if section.lines),
        how=told(how(digest), HEAD),
    )


def identity(digest: Digest, said: str = "") -> str:
    """By what a copy of the same message is known: 12 hexadecimal digits of the digest's own JSON."""
    return "mw-" + hashlib.sha256(msgspec.json.encode(document(digest)) + said.encode()).hexdigest()[:12]


def for_programs(digest: Digest, redactor: Redactor, limit: int = DOCUMENT_BYTES) -> dict[str, Any]:
    """The contract's document without secrets, and with fewer rows (the last of each pane first) where it would be larger
    than `limit` bytes; a pane's `left_out` says how many.
    """
    whole: dict[str, Any] = document(digest)
    kept = max((len(pane[key]) for pane in whole["panes"] for key in _LISTS), default=0)
    while True:
        told = {**whole, "panes": [_shortened(pane, kept) for pane in whole["panes"]]}
        if len(msgspec.json.encode(told)) <= limit:  # before the redaction, which costs more and changes little
            told = _redacted(told, redactor)
            if len(msgspec.json.encode(told)) <= limit:
                return told
        if kept == 0:
            return _redacted({**told, "incidents": told["incidents"][:20], "sources": told["sources"][:50]}, redactor)
        kept = kept // 2


def _redacted(value: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    return dict(redactor.deep(value))


_LISTS = ("rows", "findings", "children")


def _shortened(pane: dict[str, Any], kept: int) -> dict[str, Any]:
    gone = {key: len(pane[key]) - kept for key in _LISTS if len(pane[key]) > kept}
    return {**pane, **{key: pane[key][:kept] for key in gone}, "left_out": gone} if gone else pane


def _lines(found: Iterator[tuple[str, int]], told: Any) -> tuple[Line, ...]:
    return tuple(Line(told(text), rank) for text, rank in found)


def _of_incidents(digest: Digest) -> Iterator[tuple[str, int]]:
    if digest.incidents is None:
        return
    rows = open_incidents(digest)
    for at, row in enumerate(rows[:TOLD]):
        yield f"{row.severity.value} {row.strip}", _INCIDENT + at
    if len(rows) > TOLD:
        yield f"and {len(rows) - TOLD} more incidents", _COUNTED
    if is_unwell(digest.incidents):
        yield unwell(digest.incidents), _UNWELL


def _of_pane(pane: Pane[Any], digest: Digest) -> Iterator[tuple[str, int]]:
    if not pane.is_configured or pane.name == "incidents":
        return
    if pane.state is not State.LIVE:
        yield f"{Severity.UNKNOWN.value} {unwell(pane).removeprefix('? ')}", _UNWELL
    bad = [row for row in verdict_rows(pane) if row.severity is not Severity.OK]
    teller = TELLERS.get(pane.name)
    is_told = False
    for at, row in enumerate(bad[:TOLD] if teller is not None else ()):
        assert teller is not None
        yield f"{row.severity.value} {teller(row)}", _FIRST[row.severity] + at
        is_told = True
    if teller is not None and len(bad) > TOLD:
        yield f"and {len(bad) - TOLD} more", _COUNTED
    if pane.name == streams.VIEW and digest.view == streams.VIEW and digest.scope.get("channel"):
        for at, found in enumerate(pane.findings[:TOLD]):
            yield f"{found.severity.value} {found.code} [{found.layer.value}] {found.reason}", _FIRST[found.severity] + 50 + at
        for at, found in enumerate(pane.children[:TOLD]):
            yield f"follows from it: {found.code} [{found.layer.value}] {found.reason}", _FOLLOWS + at
    if pane.name == pods.VIEW:
        for at, rollout in enumerate(digest.rollouts[:TOLD]):
            yield f"{rollout.severity.value} rollout {rollout.text}", _ROLLOUT + at
    if (pane.name == lines.VIEW or not is_told) and not is_absent(pane):
        word = f"{pane.severity.value} " if pane.severity is not Severity.OK else ""
        yield f"{word}{pane.summary}", _FIRST[pane.severity] + 20 if word else _SUMMARY
    if pane.name == lines.VIEW and digest.view == lines.VIEW:
        newest = pane.rows[-LOG_LINES:]
        for at, row in enumerate(newest):
            yield f"{clock(row.at)} {row.level.upper()} {row.name}  {row.message}", _LOG + len(newest) - at
