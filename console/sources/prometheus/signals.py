"""What the packs that are here say: one question a signal for all streams, gathered by publisher."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from console.model.failure import Failure, SourceError
from console.model.instant import Clock
from console.model.metric import StreamSignals
from console.sources.prometheus.answer import Answered, Series
from console.sources.prometheus.client import PrometheusClient
from console.sources.prometheus.packs import PACKS, Formula, Pack
from console.sources.prometheus.packs.pack import WINDOW
from console.sources.prometheus.presence import Presence, Present

MAX_STREAMS = 20_000  # publishers of all packs; what comes after is left out and told
PLACES = ("node", "pod", "Hostname", "instance")
MAX_NAME = 253  # characters, as of a channel's
_Key = tuple[str, str, tuple[str, ...]]  # pack, stream, the values of PLACES: two servers on one host are two publishers


class Told(msgspec.Struct, frozen=True):
    """One round of questions."""

    streams: tuple[StreamSignals, ...] = ()
    missing: Mapping[str, Failure | str] = {}  # pack, or "pack signal" -> why
    formulas: Mapping[str, str] = {}  # "pack signal" -> what was asked
    gone: Mapping[str, str] = {}
    warnings: tuple[str, ...] = ()


class SignalBoard:
    """Asks the packs that are here."""

    def __init__(self, client: PrometheusClient, clock: Clock, packs: Sequence[Pack] = PACKS) -> None:
        self._client = client
        self._presence = Presence(client, clock, packs)

    async def ask(self) -> Told:
        """Never raises SourceError: what could not be asked is in `missing`, as a Failure."""
        try:
            present = await self._presence.ask()
        except SourceError as error:
            return Told(missing={"packs": error.failure})
        asked = [(here, formula) for here in present for formula in here.pack.formulas]
        answers = await asyncio.gather(*(self._answer(here, formula) for here, formula in asked))
        missing: dict[str, Failure | str] = dict(self._presence.gone)
        formulas: dict[str, str] = {}
        warnings: dict[str, None] = {}
        found: dict[_Key, dict[str, float]] = {}
        protocols: dict[_Key, str] = {}
        for (here, formula), answer in zip(asked, answers, strict=True):
            which = f"{here.pack.name} {formula.signal}"
            formulas[which] = _text(here, formula)
            if isinstance(answer, Failure):
                missing[which] = answer
                continue
            warnings.update(dict.fromkeys(answer.warnings))
            if not _gather(here.pack, formula, answer.series, found, protocols):
                missing[here.pack.name] = f"more than {MAX_STREAMS} streams: the rest is left out"
        for here in present:
            if not here.pack.formulas:
                missing[here.pack.name] = here.pack.trap
        return Told(
            tuple(_streams(present, found, protocols)), missing, formulas, self._presence.gone, tuple(warnings)
        )

    async def _answer(self, here: Present, formula: Formula) -> Answered | Failure:
        try:
            return await self._client.query(_text(here, formula))
        except SourceError as error:
            return error.failure


def _text(here: Present, formula: Formula) -> str:
    return formula.promql.replace(WINDOW, f"{here.window_s:g}s")


def _gather(
    pack: Pack,
    formula: Formula,
    series: Sequence[Series],
    found: dict[_Key, dict[str, float]],
    protocols: dict[_Key, str],
) -> bool:
    """Adds what the series say; False when there was no room for all. Pure but for its last two arguments."""
    has_room = True
    for one in series:
        name = _name(pack, one.labels)
        if not name:
            continue
        key = (pack.name, name, tuple(one.labels.get(label, "") for label in PLACES))
        if formula.signal == "protocol":
            protocols[key] = one.labels.get(formula.label, "")[:16]
            continue
        value = _number(one.labels.get(formula.label, "")) if formula.label else one.value
        if not math.isfinite(value):
            continue
        if key not in found and len(found) >= MAX_STREAMS:
            has_room = False
            continue
        found.setdefault(key, {})[formula.signal] = value
    return has_room


def _streams(
    present: Sequence[Present],
    found: Mapping[_Key, Mapping[str, float]],
    protocols: Mapping[_Key, str],
) -> Iterator[StreamSignals]:
    packs = {here.pack.name: here.pack for here in present}
    for key, values in found.items():
        pack = packs[key[0]]
        yield StreamSignals(key[1], values, pack.name, _place(key[2]), protocols.get(key) or pack.protocol, pack.join)


def _name(pack: Pack, labels: Mapping[str, str]) -> str:
    for parts in pack.names:
        if labels.get(parts[-1]):
            name = "/".join(filter(None, (labels.get(part, "") for part in parts)))
            return name if len(name) <= MAX_NAME else ""
    return ""


def _place(told: tuple[str, ...]) -> str:
    """Where it was told, in one word; of an instance the host, as its port says nothing about a node."""
    for value in told:
        if value:
            host, _, port = value.rpartition(":")
            return (host if host and port.isdigit() else value)[:MAX_NAME]
    return ""


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
