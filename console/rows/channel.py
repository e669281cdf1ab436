"""The page of one channel: what it is, every rendition at every vantage, its findings, and what happened in the last hour.

Pure, like every row: readings and facts in, a page out. A place whose severity nobody has told is as well as its channel is
known to be: under a blind prober no cell is called fine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from console.model.cell import Cell, Tone
from console.model.channel import Channel
from console.model.finding import ChannelVerdict, Finding
from console.model.grid import Grid, GridLine
from console.model.incident import EntryKind, Incident, TimelineEntry
from console.model.instant import Instant
from console.model.joined import Streams
from console.model.observation import Outcome, Variant
from console.model.opened import OpenedChannel, PlaceFacts
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Mark, Severity, State, worst
from console.rows.about import SHAPE, in_order, is_of, vantages_of
from console.rows.changes import Change
from console.rows.findings import FindingRow, rows_of
from console.rows.pane import Pane
from console.rows.pods import RolloutRow
from console.rows.streams import UNWATCHED, StreamRow
from console.rows.streams import pane as streams_pane
from console.rows.units import duration, si

VIEW = "channel"
TOLD_S = 3600.0  # what is older is not in the page's timeline
AGE_CODES = frozenset({"STALE", "LL_PART_LATE", "DASH_MPD_STALE"})  # whose cell says how old, beside the code
LADDER = ("BW", "AVG", "SIZE", "CODECS")


class ChannelPage(msgspec.Struct, frozen=True):
    """Everything on the page of one channel. `row` is None for a channel that the site does not have (any more)."""

    row: StreamRow | None
    grid: Grid
    findings: tuple[FindingRow, ...]
    timeline: tuple[TimelineEntry, ...]
    facts: tuple[tuple[str, Tone], ...]  # the line of what it is
    channel: Channel | None = None


NO_PAGE = ChannelPage(None, Grid("", (), ()), (), (), ())


def pane(reading: Reading[Streams], scope: Scope, now: Instant, changes: Mapping[str, Change]) -> Pane[StreamRow]:
    """The frame of the page: the pane of the streams in its scope, summed up as one channel."""
    found = streams_pane(reading, scope, now, changes)
    row = found.rows[0] if len(found.rows) == 1 else None
    if row is None:
        return msgspec.structs.replace(found, name=VIEW, title="Channel")
    parts = [row.name]
    parts += [f"{row.renditions_ok}/{row.renditions_expected} renditions"] if row.renditions_expected else []
    parts += [f"{len(found.findings)} finding{'s' if len(found.findings) > 1 else ''}"] if found.findings else []
    parts += [f"{len(found.children)} downstream"] if found.children else []
    parts += [row.mark.value] if row.mark is not Mark.NONE else []
    return msgspec.structs.replace(found, name=VIEW, title="Channel", summary=" · ".join(parts))


def page(
    name: str,
    reading: Reading[Streams],
    opened: OpenedChannel | None,
    incidents: Sequence[Incident],
    rollouts: Sequence[RolloutRow],
    now: Instant,
) -> ChannelPage:
    """The page now; without the close look (`opened`) the matrix knows only what the findings name."""
    streams = reading.value
    channel = streams.channels.get(name) if streams is not None else None
    if streams is None or channel is None:
        return NO_PAGE
    row = next(iter(streams_pane(reading, Scope((("channel", name),)), now).rows), None)
    verdict = opened.verdict if opened is not None else streams.verdicts.get(name, UNWATCHED)
    is_old = reading.state in (State.ERROR, State.STALE)
    return ChannelPage(
        row=row,
        grid=_grid(channel, verdict, opened, is_old),
        findings=rows_of(channel, verdict, now),
        timeline=timeline(channel, verdict, incidents, rollouts, now),
        facts=_facts(channel, verdict, row, opened),
        channel=channel,
    )


def _facts(
    channel: Channel, verdict: ChannelVerdict, row: StreamRow | None, opened: OpenedChannel | None
) -> tuple[tuple[str, Tone], ...]:
    windows = [place.window_s for place in opened.places if place.window_s is not None] if opened is not None else []
    parts = [f"tier {channel.tier}", channel.kind]
    parts += [channel.region] if channel.region else []
    if row is not None:
        parts += [f"{si(row.viewers)} viewers"] if row.viewers is not None else []
        parts += [f"{si(row.ingest_bps)}bit/s in"] if row.ingest_bps is not None else []
        parts += [f"rebuffer {row.rebuffer_ratio * 100:.2f} %"] if row.rebuffer_ratio is not None else []
    parts += [f"T {verdict.target_duration_s:g} s"] if verdict.target_duration_s is not None else []
    parts += [f"window {min(windows):.0f} s"] if windows else []
    parts += [f"watched {duration(verdict.watched_s)}"]
    mark = ((f"{row.mark.value} ", Tone.WARN),) if row is not None and row.mark is not Mark.NONE else ()
    return (*mark, (" · ".join(parts), Tone.NORMAL))


# -- the matrix -------------------------------------------------------------------------------------------------------
def _grid(channel: Channel, verdict: ChannelVerdict, opened: OpenedChannel | None, is_old: bool) -> Grid:
    vantages = [vantage.name for vantage in channel.vantages]
    places = {(place.vantage, place.rendition): place for place in opened.places} if opened is not None else {}
    rungs = {rung.rendition: rung for rung in opened.ladder} if opened is not None else {}
    names = list(
        dict.fromkeys([*(channel.renditions or verdict.renditions), *rungs, *(rendition for _, rendition in places)])
    )
    if not names:  # nothing but the findings knows of any
        names = list(dict.fromkeys(f.rendition for f in verdict.findings if f.rendition))
    lines = []
    for name in names:
        cells = [
            place_cell(channel, verdict, vantage, name, places.get((vantage, name)), is_old) for vantage in vantages
        ]
        told = [severity_at(channel, verdict, vantage, name)[0] for vantage in vantages]
        lines.append(GridLine(name, worst(told), (*cells, *_ladder_cells(rungs.get(name)))))
    lines += _measures(vantages, places)
    return Grid(
        "RENDITION", (*vantages, *(LADDER if rungs else ())), tuple(_squared(lines, len(vantages), bool(rungs)))
    )


def _squared(lines: list[GridLine], vantages: int, has_ladder: bool) -> list[GridLine]:
    """Every line as long as the head."""
    width = vantages + (len(LADDER) if has_ladder else 0)
    blank = Cell("")
    return [msgspec.structs.replace(line, cells=(*line.cells, *([blank] * width))[:width]) for line in lines]


def severity_at(
    channel: Channel, verdict: ChannelVerdict, vantage: str, rendition: str
) -> tuple[Severity, Finding | None]:
    """How bad a place is, by the worst finding that names it; a child's word counts for what is seen, not for an alarm."""
    found = [f for f in verdict.findings if is_of(f, rendition) and vantage in vantages_of(channel, f)]
    if not found:
        return Severity.OK, None
    lead = max(found, key=lambda finding: finding.severity.rank)
    return lead.severity, lead


def place_cell(
    channel: Channel, verdict: ChannelVerdict, vantage: str, rendition: str, place: PlaceFacts | None, is_old: bool
) -> Cell:
    """ "C STALE 3.4", "W EDGE_SKEW", "● 0.9", "? 0.9", "· 404", "– " where the vantage does not name the rendition."""
    severity, finding = severity_at(channel, verdict, vantage, rendition)
    age = f"{place.age_over_t:.1f}" if place is not None and place.age_over_t is not None else ""
    if finding is not None:
        told = f" {age}" if finding.code in AGE_CODES and age else ""
        return Cell(f"{severity.letter} {finding.code}{told}", Tone.of(severity), float(severity.rank))
    if place is None:
        return Cell("–", Tone.DIM)
    if place.outcome is not Outcome.OK:
        return Cell(f"· {place.status or place.outcome.value}", Tone.UNKNOWN)
    if place.is_over:
        return Cell("● ended", Tone.DIM)
    if is_old or verdict.severity is Severity.UNKNOWN:
        return Cell(f"? {age}".rstrip(), Tone.UNKNOWN)
    return Cell(f"{SHAPE[Severity.OK]} {age}".rstrip(), Tone.NORMAL)


def _ladder_cells(rung: Variant | None) -> tuple[Cell, ...]:
    if rung is None:
        return tuple(Cell("–", Tone.DIM) for _ in LADDER)
    said = (
        si(rung.bandwidth_bps) if rung.bandwidth_bps else "–",
        si(rung.average_bps) if rung.average_bps else "–",
        f"{rung.height}p" if rung.height else rung.kind,
        rung.codecs or "–",
    )
    return tuple(Cell(text, Tone.DIM) for text in said)


def _measures(vantages: list[str], places: dict[tuple[str, str], PlaceFacts]) -> list[GridLine]:
    """The lines under the renditions: latency at each vantage, the worst of its renditions."""
    late = {
        vantage: max(
            (place.latency_s for place in places.values() if place.vantage == vantage and place.latency_s is not None),
            default=None,
        )
        for vantage in vantages
    }
    if all(value is None for value in late.values()):
        return []
    cells = tuple(
        Cell(f"  {duration(late[vantage])}", Tone.DIM if late[vantage] is None else Tone.NORMAL) for vantage in vantages
    )
    return [GridLine("latency", Severity.OK, cells)]


# -- what happened ----------------------------------------------------------------------------------------------------
def timeline(
    channel: Channel,
    verdict: ChannelVerdict,
    incidents: Sequence[Incident],
    rollouts: Sequence[RolloutRow],
    now: Instant,
) -> tuple[TimelineEntry, ...]:
    """The last hour of this channel, oldest first: its findings, and what was changed in the workloads that serve it."""
    since = now.utc - timedelta(seconds=TOLD_S)
    following = {child.code for child in verdict.children}
    services = {service for service in (*channel.services.values(), *(v.service for v in channel.vantages)) if service}
    entries: list[TimelineEntry] = []
    for incident in incidents:
        for entry in incident.timeline:
            is_told = entry.kind is EntryKind.FINDING and (not entry.is_over or following & set(entry.text.split()))
            is_own = entry.entity == channel.name and not is_told
            is_ours = entry.kind is not EntryKind.FINDING and entry.entity in services
            if (is_own or is_ours) and (entry.at >= since or not entry.is_over):
                entries.append(entry)
    changed = [(entry.entity, entry.text) for entry in entries if entry.kind is EntryKind.ROLLOUT]
    for rollout in rollouts:
        if rollout.service not in services or rollout.at is None or rollout.at < since:
            continue
        if not any(service == rollout.service and (rollout.version or "") in text for service, text in changed):
            kind, is_over = EntryKind.ROLLOUT, not rollout.is_rolling
            entries.append(TimelineEntry(rollout.at, kind, rollout.severity, rollout.text, rollout.service, is_over))
    entries += _of_findings(channel, verdict)
    return tuple(sorted(dict.fromkeys(entries), key=_as_told))


def _as_told(entry: TimelineEntry) -> tuple[object, ...]:
    """Of what happened at one moment: what was changed, then the worst. Nothing depends on the order of the incidents: it may
    be another for who may not see all that they are made of.
    """
    is_effect = entry.kind is not EntryKind.ROLLOUT
    return entry.at, is_effect, -entry.severity.rank, entry.kind.value, entry.entity, entry.text, entry.is_over


def _of_findings(channel: Channel, verdict: ChannelVerdict) -> list[TimelineEntry]:
    """One entry for each fault: the renditions that it took in the same second are named in it."""
    together: dict[tuple[str, str, str], list[Finding]] = {}
    for found in in_order(verdict):
        together.setdefault((found.code, found.layer.value, f"{found.first_seen:%H:%M:%S}"), []).append(found)
    entries = []
    for (code, _, _), alike in together.items():
        lead = alike[0]
        text = f"{code} {lead.reason}"
        if len(alike) > 1 and lead.rendition is not None:
            rest = lead.reason.removeprefix(lead.rendition).strip()
            text = f"{code} {', '.join(str(each.rendition) for each in alike)} {rest}"
        entries.append(
            TimelineEntry(lead.first_seen, EntryKind.FINDING, worst(f.severity for f in alike), text, channel.name)
        )
    return entries
