"""One moment of the whole console, as text for people in chat and as JSON for programs. The JSON's shape is a contract."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from console.model.scope import Scope
from console.model.severity import Severity, State, worst
from console.rows import actions, gauges, incidents, lines, pods, sources, streams
from console.rows.pane import Pane
from console.rows.units import clock, duration, percent, si

SCHEMA = 1
REPLACEMENT = "\ufffd"
TOLD_ROWS = 3  # of each pane in the text digest; the rest is counted


class Digest(msgspec.Struct, frozen=True):
    """Panes, incidents and sources at one moment. `severity` is the worst of the panes that are configured."""

    site: str
    view: str
    scope: Scope
    taken_at: datetime
    panes: tuple[Pane[Any], ...]
    incidents: Pane[incidents.IncidentRow] | None = None
    sources: Pane[sources.SourceRow] | None = None
    rollouts: tuple[pods.RolloutRow, ...] = ()

    @property
    def severity(self) -> Severity:
        verdicts = [pane.severity for pane in self.panes if pane.is_configured]
        if self.incidents is not None and self.incidents.state is not State.ERROR:
            verdicts.append(self.incidents.severity)
        return worst(verdicts, nothing=Severity.UNKNOWN)


def to_json(digest: Digest) -> bytes:
    """The contract's document, one line."""
    return msgspec.json.encode(document(digest))


def document(digest: Digest) -> dict[str, Any]:
    """The contract's document, made of what JSON has."""
    told = {
        "schema": SCHEMA,
        "site": digest.site,
        "view": digest.view,
        "scope": dict(digest.scope.pairs),
        "taken_at": digest.taken_at,
        "severity": digest.severity,
        "panes": [_pane(pane) for pane in digest.panes],
        "incidents": [msgspec.to_builtins(row) for row in digest.incidents.rows] if digest.incidents else [],
        "incidents_error": why(digest.incidents) if digest.incidents and is_unwell(digest.incidents) else None,
        "rollouts": [msgspec.to_builtins(row) for row in digest.rollouts],
        "sources": [_source(row) for row in digest.sources.rows] if digest.sources else [],
    }
    made: dict[str, Any] = plain(msgspec.to_builtins(told))
    return made


def plain(value: Any) -> Any:
    """The last gate of the text formats: what is no printable character is shown as such, whoever let it in."""
    if isinstance(value, str):
        if value.isprintable():
            return value
        return "".join(character if character.isprintable() else REPLACEMENT for character in value)
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _pane(pane: Pane[Any]) -> dict[str, Any]:
    return {
        "name": pane.name,
        "title": pane.title,
        "state": pane.state,
        "severity": pane.severity,
        "configured": pane.is_configured,
        "as_of": pane.as_of,
        "age_s": pane.age_s,
        "watched_s": pane.watched_s,
        "summary": pane.summary,
        "note": pane.note,
        "error": str(pane.error) if pane.error is not None else None,
        "count": pane.count,
        "rows": [msgspec.to_builtins(row) for row in pane.rows],
        "findings": [msgspec.to_builtins(finding) for finding in pane.findings],
        "children": [msgspec.to_builtins(finding) for finding in pane.children],
        "accounting": pane.accounting,
    }


def _source(row: sources.SourceRow) -> dict[str, Any]:
    return {**msgspec.to_builtins(row), "requests_per_s": round(row.requests_per_s, 3)}


def to_text(digest: Digest, width: int = 120) -> str:
    """The digest for chat, a dumb terminal or a pipe: plain lines, no escapes, the worst first."""
    body: list[str] = [headline(digest)]
    for pane in digest.panes:
        body += _section(pane.title, _told(pane, digest))
    if digest.incidents is not None and digest.view != incidents.VIEW:
        body += _section("Incident", [row.strip for row in open_incidents(digest)[:TOLD_ROWS]])
        if is_unwell(digest.incidents):
            body += _section("Incident", [unwell(digest.incidents)])
    body += _section("Open", [how(digest)])
    return "\n".join(_cut(line, width) for line in body) + "\n"


def how(digest: Digest) -> str:
    """How to open the console at the same scope, for a shell."""
    words = ["midwatch", "--site", digest.site]
    for dimension, value in digest.scope.pairs:
        words += ["--scope", f"{dimension}={value}"]
    return shlex.join(words)


def headline(digest: Digest) -> str:
    """Where, when, how bad: the first line of everything for people."""
    critical = sum(row.severity is Severity.CRIT for pane in digest.panes for row in verdict_rows(pane))
    warning = sum(row.severity is Severity.WARN for pane in digest.panes for row in verdict_rows(pane))
    scope = f" · {digest.scope}" if digest.scope else ""
    open_rows = open_incidents(digest)
    counts = f"{critical} critical, {warning} warning"
    if digest.severity is Severity.CRIT and not critical:  # then it is an incident that makes it so
        counts += f", {len(open_rows)} open incident{'s' if len(open_rows) != 1 else ''}"
    return f"{digest.site}{scope} · {clock(digest.taken_at, with_seconds=False)} UTC · {digest.severity.value} ({counts})"


def open_incidents(digest: Digest) -> list[incidents.IncidentRow]:
    """Those that are not over, worst first."""
    return [row for row in digest.incidents.rows if not row.is_closed] if digest.incidents is not None else []


def verdict_rows(pane: Pane[Any]) -> Iterable[Any]:
    """The rows that carry a verdict: lines of a log do not."""
    return () if pane.name == lines.VIEW else pane.rows


def _section(title: str, told: Sequence[str]) -> list[str]:
    return [f"{title if number == 0 else '':<10}{line}" for number, line in enumerate(told)]


def _told(pane: Pane[Any], digest: Digest) -> list[str]:
    if not pane.is_configured:
        return [f"–  {pane.summary}"]
    told = [unwell(pane)] if pane.state is not State.LIVE else []
    bad = [row for row in verdict_rows(pane) if row.severity is not Severity.OK]
    teller = TELLERS.get(pane.name)
    if teller is not None:
        told += [f"{row.severity.letter} {teller(row)}" for row in bad[:TOLD_ROWS]]
        if len(bad) > TOLD_ROWS:
            told.append(f"  and {len(bad) - TOLD_ROWS} more")
    if pane.name == streams.VIEW and digest.view == streams.VIEW and digest.scope.get("channel"):
        told += channel_page(pane)
    if pane.name == pods.VIEW:
        told += [f"{row.severity.letter} rollout {row.text}" for row in digest.rollouts[:TOLD_ROWS]]
    if (pane.name == lines.VIEW and not is_absent(pane)) or not told:
        told.append(f"{pane.severity.letter if pane.name == lines.VIEW else ' '} {pane.summary}")
    if pane.name == lines.VIEW and digest.view == lines.VIEW:
        told += [
            f"  {clock(row.at)} {row.level[:1].upper() or ' '} {row.name}  {row.message}" for row in pane.rows[-20:]
        ]
    return told


def is_absent(pane: Pane[Any]) -> bool:
    """Whether nothing has been heard yet, so that its one line only says again why."""
    return pane.state is not State.LIVE and pane.as_of is None


def is_unwell(pane: Pane[Any]) -> bool:
    """Whether what belongs together is not known, so that no incident is no good news."""
    return pane.is_configured and (pane.error is not None or pane.state is State.ERROR)


def why(pane: Pane[Any]) -> str:
    """What keeps a pane from being believed."""
    return str(pane.error) if pane.error is not None else pane.note or pane.summary


def unwell(pane: Pane[Any]) -> str:
    """Why a pane cannot be believed, and since when."""
    if pane.state is State.CONNECTING and pane.error is None and not pane.note:
        return f"? {pane.summary}"  # which says that word
    reason = why(pane)
    age = (
        f", last answer {duration(pane.age_s)} ago"
        if pane.age_s is not None and pane.state is not State.PARTIAL
        else ""
    )
    return f"? {pane.state.value}: {reason}{age}"


def _stream(row: streams.StreamRow) -> str:
    layer = f"[{row.layer.value}] " if row.layer is not None else ""
    since = f"since {clock(row.since)}" if row.since is not None else ""
    parts = [f"{row.name}  {layer}{row.brief}", since, streams.impact_text(row)]
    return " · ".join(part for part in parts if part)


def channel_page(pane: Pane[Any]) -> list[str]:
    """What the page of one channel adds to its row: every finding, and under them what only follows from one."""
    told = [f"  {found.severity.letter} {found.code} [{found.layer.value}] {found.reason}" for found in pane.findings]
    return told + [f"    downstream: {found.code} [{found.layer.value}] {found.reason}" for found in pane.children]


def _pod(row: pods.PodRow) -> str:
    restarts = f" ×{row.restarts}" if row.restarts else ""
    reason = row.reason.removeprefix(row.status).lstrip(" ,")
    return f"{row.namespace}/{row.name} {row.status}{restarts}" + (f" · {reason}" if reason else "")


def _gauge(row: gauges.GaugeRow) -> str:
    if row.ratio is None:
        return f"{row.name}: {row.reason}"
    amount = f" · {si(row.used)} of {si(row.total)} {row.unit}".rstrip() if row.total is not None else ""
    return f"{row.name} {percent(row.ratio)}{amount}"


def _incident(row: incidents.IncidentRow) -> str:
    return row.strip


def _operation(row: actions.OperationRow) -> str:
    return " · ".join(part for part in (row.brief, f"by {row.by}" if row.by else "", clock(row.at)) if part)


def _told_source(row: sources.SourceRow) -> str:
    return f"{row.name} {row.state.value}: {row.error or row.note}"


TELLERS: dict[str, Callable[[Any], str]] = {
    streams.VIEW: _stream,
    pods.VIEW: _pod,
    gauges.VIEW: _gauge,
    incidents.VIEW: _incident,
    actions.VIEW: _operation,
    sources.VIEW: _told_source,
}


def _cut(line: str, width: int) -> str:
    line = plain(line.rstrip())
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"
