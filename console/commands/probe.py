"""`midwatch probe`: one stream by its URL, as a story on stdout; or a site's channels, as metrics.

The same prober process and the same judge as behind the screen, without one. A pipeline reads a JSON line per finding, complete
because it is written when the finding is over or the watch ends; a person reads a line at every change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from console.assembly import Engine
from console.commands.ending import Ending
from console.commands.flags import Flags, UsageError
from console.config.root import Config
from console.config.site import Channels, Site
from console.exit_codes import ExitCode, most_telling
from console.feeds.clock import SystemClock, wait_until
from console.judge import history
from console.judge.codes import Code
from console.judge.history import Change, History, Turn
from console.model.channel import Channel, Vantage
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Clock
from console.model.severity import Layer, Severity, worst
from console.probe.address import shown
from console.rows import streams
from console.rows.streams import UNWATCHED
from console.rows.units import clock as hours
from console.rows.units import duration as lasting

SITE = "probe"
LEAST_S = 1.0
_PLAIN_NAMES = ("index", "master", "playlist", "manifest", "main", "stream", "live", "chunklist", "prog_index")


def run(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    url: str | None,
    edge: Sequence[str],
    connect_to: Sequence[str],
    duration: float | None,
    as_json: bool,
    metrics: tuple[str, int] | None,
    shard: tuple[int, int] | None,
) -> int:
    """Raises UsageError."""
    if metrics is not None:
        if url is not None or edge or connect_to or duration is not None or as_json:
            raise UsageError("probe --metrics watches the site's channels: no URL, --edge and so on beside it")
        from console.commands.exposing import exposed

        return exposed(flags, environ, address=metrics, shard=shard or (1, 1))
    if shard is not None:
        raise UsageError("probe --shard needs --metrics HOST:PORT")
    if url is None:
        raise UsageError("probe: name a URL, or --metrics HOST:PORT")
    watched_s = 60.0 if duration is None else duration
    if watched_s < LEAST_S:
        raise UsageError(f"probe --duration: at least {LEAST_S:g} s")
    return asyncio.run(_watched(_channel(url, edge, connect_to), watched_s, environ, _Teller(as_json)))


def _channel(url: str, edges: Sequence[str], connect_to: Sequence[str]) -> Channel:
    """A single URL counts as the origin; every --edge is one more place where the same stream should be."""
    vantages = [Vantage("origin", Layer.ORIGIN, _checked(url))]
    for each in edges:
        name, equals, where = each.partition("=")
        if not equals or not name:
            raise UsageError(f"probe --edge `{shown(where if equals else each)}`: write NAME=URL")
        name = name if name.startswith("edge-") else f"edge-{name}"
        vantages.append(Vantage(name, Layer.EDGE, _checked(where), pop=name.removeprefix("edge-")))
    if len({vantage.name for vantage in vantages}) < len(vantages):
        raise UsageError("probe --edge: two of them have one name")
    ways = dict(_way(each) for each in connect_to)
    names = {vantage.name for vantage in vantages}
    for stray in ways.keys() - names:
        raise UsageError(f"probe --connect-to: there is no `{stray}`; there are {', '.join(sorted(names))}")
    placed = [msgspec.structs.replace(vantage, connect_to=ways.get(vantage.name)) for vantage in vantages]
    return Channel(name=_name(url), vantages=tuple(placed))


def _way(text: str) -> tuple[str, str]:
    """[NAME=]IP:PORT; the name of an edge may leave out its `edge-`."""
    name, equals, where = text.rpartition("=")
    host, colon, port = where.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise UsageError(f"probe --connect-to `{text}`: write IP:PORT or NAME=IP:PORT")
    if not equals or name in ("", "origin"):
        return "origin", where
    return (name if name.startswith("edge-") else f"edge-{name}"), where


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_good = False
    if not is_good:
        raise UsageError(f"probe: `{shown(url)}` is no http or https URL")
    return url


def _name(url: str) -> str:
    """What an engineer calls it: the last word of the path that is no common file name, else the host."""
    parts = urlsplit(url)
    words = [part.rpartition(".")[0] or part for part in parts.path.split("/") if part]
    told = [word for word in words if word.lower() not in _PLAIN_NAMES]
    return (told[-1] if told else parts.hostname or "stream")[:48]


async def _watched(channel: Channel, watch_s: float, environ: Mapping[str, str], teller: _Teller) -> int:
    """Watch until the time is over or a signal comes; the end is told either way."""
    clock = SystemClock()
    config = Config(sites={SITE: Site(channels=Channels(inline=(channel,)))})
    engine = Engine(SITE, config.sites[SITE], config, clock, environ)
    wake = asyncio.Event()
    ending = Ending(wake)
    teller.begins(channel, watch_s)
    try:
        story, verdict = await _followed(engine, channel, wake, clock, watch_s, teller, ending)
    finally:
        await engine.close()
    teller.ends(channel, story, verdict)
    if ending.has_come:
        return ending.code
    return _code(story, verdict)


async def _followed(
    engine: Engine,
    channel: Channel,
    wake: asyncio.Event,
    clock: Clock,
    watch_s: float,
    teller: _Teller,
    ending: Ending,
) -> tuple[History, ChannelVerdict]:
    story, verdict = History(), UNWATCHED
    seat = engine.desk.sit(streams.VIEW, wake)
    deadline = clock.now().mono + watch_s
    while not ending.has_come and clock.now().mono < deadline:
        await wait_until(wake, clock, deadline)
        wake.clear()
        value = seat.reading.value if seat.reading is not None else None
        verdict = value.verdicts.get(channel.name, UNWATCHED) if value is not None else UNWATCHED
        story, turns = history.step(story, verdict)
        for turn in turns:
            teller.turns(turn)
    seat.close()
    return story, verdict


def _code(story: History, verdict: ChannelVerdict) -> ExitCode:
    codes = [ExitCode.OK]
    if story.findings and all(_is_unanswered(finding) for finding in story.findings):
        codes.append(ExitCode.UNREACHABLE)  # nothing that could have been a stream has spoken
    elif story.findings:
        codes.append(ExitCode.UNHEALTHY)
    if not verdict.is_settled:
        codes.append(ExitCode.PARTIAL)
    return most_telling(codes)


def _is_unanswered(finding: Finding) -> bool:
    is_of_the_way = finding.code in (Code.DOWN, Code.FETCH_FAIL, Code.TIMEOUT)
    return is_of_the_way and "status" not in finding.evidence


class _Teller:
    """Prints a watch. stdout is data, and flushed line by line: whoever follows a pipe sees a fault when it happens."""

    def __init__(self, as_json: bool) -> None:
        self._as_json = as_json

    def begins(self, channel: Channel, watch_s: float) -> None:
        if not self._as_json:
            places = ", ".join(vantage.name for vantage in channel.vantages)
            _say(f"{channel.name}  {shown(channel.vantages[0].url)}  watched at {places} for {lasting(watch_s)}")

    def turns(self, turn: Turn) -> None:
        finding = turn.finding
        if self._as_json:
            if turn.change is Change.OVER:
                _say_json(finding)
            return
        if turn.change is Change.OVER:
            took_s = (finding.last_seen - finding.first_seen).total_seconds()
            what = f"{finding.code} of {finding.rendition or finding.entity}"
            _say(f"{hours(finding.last_seen)}   {what} is over after {lasting(took_s)}")
            return
        spec = f"  ({finding.spec_ref})" if finding.spec_ref else ""
        word = "" if turn.change is Change.RAISED else "now "
        _say(
            f"{hours(finding.last_seen)} {finding.severity.letter} {word}{finding.code} [{finding.layer.value}] "
            f"{finding.reason}{spec}"
        )

    def ends(self, channel: Channel, story: History, verdict: ChannelVerdict) -> None:
        level = worst([finding.severity for finding in story.findings], nothing=verdict.severity)
        if self._as_json:
            for finding in story.lasting.values():
                _say_json(finding)
            _say(msgspec.json.encode({"summary": _summary(channel, story, verdict, level)}).decode())
            return
        counts = [sum(finding.severity is each for finding in story.findings) for each in (Severity.CRIT, Severity.WARN)]
        count = len(story.findings)
        told = [
            level.value if verdict.is_settled or count else f"UNKNOWN: {verdict.reason}",
            f"{count} finding{'s' * (count != 1)} ({counts[0]} critical, {counts[1]} warning)" if count else "no finding",
            f"watched {lasting(verdict.watched_s)}",
            f"{verdict.renditions_ok} of {verdict.renditions_expected} renditions well",
        ]
        told += [f"T {verdict.target_duration_s:g} s"] if verdict.target_duration_s is not None else []
        told += [f"latency {lasting(verdict.latency_s)}"] if verdict.latency_s is not None else []
        _say(" · ".join(told))


def _summary(channel: Channel, story: History, verdict: ChannelVerdict, level: Severity) -> dict[str, object]:
    codes = sorted({finding.code for finding in story.findings})
    return {
        "entity": channel.name,
        "url": shown(channel.vantages[0].url),
        "vantages": [vantage.name for vantage in channel.vantages],
        "severity": level,
        "mark": verdict.mark,
        "reason": verdict.reason,
        "findings": len(story.findings),
        "lasting": len(story.lasting),
        "codes": codes,
        "watched_s": verdict.watched_s,
        "is_settled": verdict.is_settled,
        "target_duration_s": verdict.target_duration_s,
        "renditions_ok": verdict.renditions_ok,
        "renditions_expected": verdict.renditions_expected,
        "worst_age_over_t": verdict.worst_age_over_t,
        "latency_s": verdict.latency_s,
    }


def _say(line: str) -> None:
    print("".join(c if c.isprintable() else "\ufffd" for c in line), flush=True)


def _say_json(finding: Finding) -> None:
    _say(msgspec.json.encode(finding).decode())
