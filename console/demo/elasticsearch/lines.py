"""The log story: which documents bear the time of a given second.

Two steps, so that a histogram need not pay for words: the *kinds* of a second's lines are drawn first (levels
follow from them), the documents second, and their messages only when read. Each second has random numbers of
its own, seeded by (seed, second); nothing is carried from one to the next, so any second can be told first.
Both caches are bounded.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from console.demo.elasticsearch.documents import Document, Emitter, Template
from console.demo.elasticsearch.places import emitters
from console.demo.elasticsearch.templates import CALM, STALE_SHIELD, late_packager
from console.demo.elasticsearch.trouble import CRUNCH, DISCONNECTED, RECONNECTED, SLOW_PARENT, STORM, unreached, waiting
from console.demo.world.names import CHANNEL
from console.demo.world.scenario import CROWDED_CHANNEL, Fault
from console.demo.world.world import ERROR_SHARE, LINES_PER_S, World

KEPT_SECONDS = 1000
"""Seconds whose documents stay in memory: a little over fifteen minutes, in calm about 25 MB."""
KEPT_DOCUMENTS = 150_000
"""Documents that stay in memory at most, about 50 MB; a storm fills it in two minutes."""
COUNTED_SECONDS = 20_000
LATE_SHARE = 0.003
LATEST_S = 21
"""No document is ingested later than this after its event, but for an outage of the index itself."""
DRAIN_S = 6
"""After an outage the shippers deliver what they kept, within this time."""
NS = 1_000_000_000


def _table(templates: tuple[Template, ...], errors: float) -> list[Template]:
    """A template for every 16-bit number, by weight, with the errors scaled to exactly their share."""
    erring = sum(t.weight for t in templates if t.level == "error")
    others = sum(t.weight for t in templates if t.level != "error")
    table: list[Template] = []
    upto = 0.0
    for t in templates:
        upto += t.weight / erring * errors if t.level == "error" else t.weight / others * (1 - errors)
        table += [t] * (round(upto * 65536) - len(table))
    return table


class Story:
    """The documents of `world`, by second of @timestamp."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._start = world.start
        self._emitters = emitters(world)
        self._calm = _table(CALM, ERROR_SHARE)
        self._calm_levels = [template.level for template in self._calm]
        self._writers: dict[tuple[str, tuple[str | None, ...]], tuple[Emitter, ...]] = {}
        self._documents: OrderedDict[int, tuple[Document, ...]] = OrderedDict()
        self._held = 0
        """Documents in it."""
        self._counts: OrderedDict[int, tuple[tuple[str, int], ...]] = OrderedDict()

    def documents(self, second: int) -> tuple[Document, ...]:
        """The lines whose event falls in the second, by event time."""
        self._follow_start()
        known = self._documents.get(second)
        if known is None:
            known = self._documents[second] = self._tell(second)
            self._held += len(known)
            while len(self._documents) > KEPT_SECONDS or (self._held > KEPT_DOCUMENTS and len(self._documents) > 1):
                self._held -= len(self._documents.popitem(last=False)[1])
        else:
            self._documents.move_to_end(second)
        return known

    def counts(self, second: int) -> tuple[tuple[str, int], ...]:
        """(level, how many) of the second."""
        self._follow_start()
        known = self._counts.get(second)
        if known is None:
            random = self._random(second, 0)
            levels = Counter([self._calm_levels[code] for code in self._codes(second, random)])
            levels.update(template.level for template, _ in self._added(second, random))
            known = self._counts[second] = tuple(levels.items())
            if len(self._counts) > COUNTED_SECONDS:
                self._counts.popitem(last=False)
        return known

    def settled(self, second: int, refreshed_ns: int) -> bool:
        """Whether every line of the second has been ingested by a refresh at that time."""
        latest = second + 1 + LATEST_S
        outage = self._outage(second + 1 + LATEST_S)
        if outage is not None:
            latest = int(outage.end.timestamp()) + DRAIN_S + 1
        return latest * NS < refreshed_ns

    def lateness(self, ingested_s: int) -> int:
        """How many seconds before an ingestion its event may lie."""
        outage = self._last_outage(_moment(ingested_s))
        if outage is None or ingested_s > outage.end.timestamp() + DRAIN_S + LATEST_S:
            return LATEST_S
        return LATEST_S + DRAIN_S + int((outage.end - outage.start).total_seconds()) + 1

    # Telling

    def _follow_start(self) -> None:
        if self._start != self._world.start:
            # The platform has just become ready: its story begins anew.
            self._start = self._world.start
            self._documents.clear()
            self._held = 0
            self._counts.clear()

    def _random(self, second: int, purpose: int) -> Random:
        return Random((self._world.seed << 40 ^ second) << 2 | purpose)

    def _codes(self, second: int, random: Random) -> memoryview:
        """The second's calm lines as numbers into the table of templates."""
        share = 0.9 + 0.2 * self._world.wave("log-lines", _moment(second), 300.0)
        wanted = _whole(random, LINES_PER_S * share + random.gauss(0.0, 3.0))
        return memoryview(random.randbytes(2 * max(wanted, 1))).cast("H")

    def _added(self, second: int, random: Random) -> list[tuple[Template, tuple[Emitter, ...]]]:
        """What the faults add to the second, each line with those who may write it."""
        lines = []
        for fault in self._world.faults(_moment(second)):
            lines += self._fault_lines(fault, second, random)
        flap = self._world.last("encoder-flap", _moment(second + 1))
        for channel in flap.entities if flap is not None else ():
            assert flap is not None
            for moments in self._world.spells(flap, channel):
                for moment, template in zip(moments, (DISCONNECTED, RECONNECTED), strict=True):
                    if second <= moment.timestamp() < second + 1:
                        lines.append((template, self._of(CHANNEL[channel].packager, flap.entities)))
        return lines

    def _fault_lines(
        self, fault: Fault, second: int, random: Random
    ) -> list[tuple[Template, tuple[Emitter, ...]]]:
        """What a fault adds for as long as it is felt."""
        since = int(fault.start.timestamp())
        channels: tuple[str | None, ...] = fault.entities
        said: dict[str, tuple[Template, ...]]
        match fault.kind:
            case "edge-stale":
                said = dict.fromkeys(fault.vantages, STALE_SHIELD)
            case "bad-deploy":
                assert fault.service is not None
                said = {fault.service: late_packager(since)}
            case "encoder-flap":
                gone = self._world.encoder_gone_since(fault.entities[0], _moment(second))
                said = {CHANNEL[fault.entities[0]].packager: waiting(int(gone.timestamp()) if gone is not None else since)}
            case "cdn-slow":
                said = dict.fromkeys(fault.vantages, SLOW_PARENT)
            case "node-lost":
                assert fault.node is not None
                said = {"origin": unreached(fault.node, since)}
                channels = tuple(c for c in channels if self._world.gone_since(c or "", _moment(second)) is not None)
            case "log-storm":
                said, channels = STORM, (None,)
            case "capacity-crunch":
                said, channels = CRUNCH, (None, CROWDED_CHANNEL)
            case _:
                return []
        lines: list[tuple[Template, tuple[Emitter, ...]]] = []
        for service, templates in said.items():
            weights = [template.weight for template in templates]
            who = tuple(one for one in self._of(service, channels) if one.host_of(second) != fault.node)
            wanted = _whole(random, self._world.errors_per_s(service, _moment(second)))
            lines.extend((template, who) for template in random.choices(templates, weights, k=wanted))
        return lines

    def _of(self, service: str, channels: tuple[str | None, ...]) -> tuple[Emitter, ...]:
        known = self._writers.get((service, channels))
        if known is None:
            known = self._writers[service, channels] = tuple(
                emitter
                for many in self._emitters.values()
                for emitter in many
                if emitter.service == service and emitter.channel in channels
            )
        return known

    def _tell(self, second: int) -> tuple[Document, ...]:
        random = self._random(second, 0)
        drawn: list[tuple[Template, tuple[Emitter, ...] | None]] = [
            (self._calm[code], None) for code in self._codes(second, random)
        ]
        drawn.extend(self._added(second, random))
        random = self._random(second, 1)
        # What cannot run writes nothing but its own crash: its calm lines are written by the healthy ones.
        silent = self._silent(second)
        outage = self._outage(second + LATEST_S + 1)
        storm_s = self._world.log_delay_s(_moment(second))
        offsets = sorted(random.randrange(1000) for _ in drawn)
        told: list[Document] = []
        for ordinal, ((template, who), offset_ms) in enumerate(zip(drawn, offsets, strict=True)):
            draw = random.getrandbits(62)
            writers = who if who is not None else self._emitters[template.family]
            emitter = writers[(draw >> 4) % len(writers)]
            if who is None and silent is not None and silent(emitter):
                healthy = [one for one in writers if not silent(one)]
                emitter = healthy[(draw >> 4) % len(healthy)]
            event_ms = second * 1000 + offset_ms
            delay = random.random()
            seconds = 0.05 + 0.75 * delay * delay + storm_s
            if random.random() < LATE_SHARE:
                seconds = max(seconds, 1.0 + 19.0 * delay)
            ingested_ns = event_ms * 1_000_000 + int(seconds * NS)
            if (
                outage is not None
                and outage.start.timestamp() * NS <= ingested_ns < outage.end.timestamp() * NS
            ):
                ingested_ns = int((outage.end.timestamp() + 0.2 + (DRAIN_S - 0.4) * delay) * NS)
            told.append(Document(event_ms, ingested_ns, ordinal, draw, template, emitter))
        return tuple(told)

    def _silent(self, second: int) -> Callable[[Emitter], bool] | None:
        """Who writes none of the calm lines of the second; None when everybody does."""
        world, t = self._world, _moment(second)
        faults = world.faults(t)
        services = {fault.service for fault in faults if fault.service is not None}
        node = world.lost_node(t)
        idle = {channel for fault in faults if fault.layer == "ingest" for channel in fault.entities
                if world.encoder_gone_since(channel, t) is not None}
        if not (services or node or idle):
            return None

        def silent(emitter: Emitter) -> bool:
            at_work = emitter.service.startswith(("packager-", "transcoder-"))
            return (emitter.service in services or (emitter.channel in idle and at_work)
                    or (node is not None and emitter.host_of(second) == node))

        return silent

    # Outages of the index itself

    def _last_outage(self, moment: datetime) -> Fault | None:
        return self._world.last("backend-down", moment)

    def _outage(self, until: int) -> Fault | None:
        """An outage that a line ingested in the LATEST_S up to `until` may have met."""
        outage = self._last_outage(_moment(until))
        if outage is None or outage.end < _moment(until) - timedelta(seconds=LATEST_S + 1):
            return None
        return outage


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def _whole(random: Random, wanted: float) -> int:
    """A whole number whose mean is `wanted`."""
    return int(wanted + random.random())
