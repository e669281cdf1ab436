"""A night to be judged: a small world of playlists, polled on the prober's own schedule, without sockets or
sleep.

`Night` walks simulated time: it asks each playlist when `console.probe.schedule` says so, beats the heart
once a second, steps the judge on everything that comes and at every deadline it names, and keeps all
verdicts. `World` is a healthy platform; a test breaks it by overriding what it needs.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec

from console.judge.memory import ChannelMemory
from console.judge.stream import step
from console.model.channel import Channel, Vantage
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.observation import Asked, Heartbeat, MediaFacts, Observation, Outcome, SegmentFacts, Variant
from console.model.remark import Remark
from console.model.severity import Layer
from console.probe import schedule

T = 4.0
WINDOW = 6
LADDER = ("1080p", "720p", "480p")
EPOCH = datetime(2024, 3, 1, 2, 0, tzinfo=UTC)
START = 1000.0  # monotonic


def instant(t: float) -> Instant:
    return Instant(utc=EPOCH + timedelta(seconds=t), mono=START + t)


def channel(
    edges: tuple[str, ...] = ("lhr", "syd", "nrt", "iad"), origin: bool = True, **more: object
) -> Channel:
    places = (
        [Vantage("origin", Layer.ORIGIN, "http://origin.test/m.m3u8", service="origin")] if origin else []
    )
    places += [
        Vantage(f"edge-{pop}", Layer.EDGE, f"http://edge-{pop}.test/m.m3u8", pop=pop, service=f"edge-{pop}")
        for pop in edges
    ]
    return Channel(name="uk-sport-1", vantages=tuple(places), **more)  # type: ignore[arg-type]


class Reply(msgspec.Struct):
    outcome: Outcome = Outcome.OK
    status: int | None = 200
    media: MediaFacts | None = None
    variants: tuple[Variant, ...] = ()
    detail: str = ""
    elapsed_s: float = 0.02
    age_header_s: float | None = None
    remarks: tuple[Remark, ...] = ()
    segment: SegmentFacts | None = None


class World:
    """Healthy. Times in seconds since the start of the night."""

    def __init__(
        self,
        target_s: float = T,
        seed: int = 1,
        ttl_s: float = 1.0,
        jitter_s: float = 0.2,
        has_age: bool = True,
    ):
        self.target_s = target_s
        self.ttl_s = ttl_s
        self.has_age = has_age
        self.jitter_s = jitter_s
        self.rng = random.Random(seed)
        self._late = [self.rng.uniform(0, jitter_s) for _ in range(4000)]
        self._caches: dict[tuple[str, str | None], tuple[float, Reply]] = {}

    # what a test may override
    def newest(self, rendition: str, t: float) -> int:
        """The newest published segment's number at t."""
        n = int(t // self.target_s) + 500
        return n if t >= (n - 500) * self.target_s + self._late[n % 4000] else n - 1

    def media(self, rendition: str, t: float) -> MediaFacts:
        return self.facts(self.newest(rendition, t))

    def facts(self, newest: int, base: int = 500) -> MediaFacts:
        ends_at = EPOCH + timedelta(seconds=(newest - base) * self.target_s)
        return MediaFacts(
            target_duration_s=self.target_s,
            media_sequence=newest - WINDOW + 1,
            segment_count=WINDOW,
            newest_sequence=newest,
            newest_uri=f"http://h/seg-{newest}.ts",
            newest_ends_at=ends_at,
            longest_extinf_s=self.target_s,
            window_s=WINDOW * self.target_s,
        )

    def ladder(self, t: float) -> tuple[str, ...]:
        return LADDER

    def at_origin(self, rendition: str | None, t: float) -> Reply:
        if rendition is None:
            rungs = tuple(
                Variant(r, f"http://h/{r}.m3u8", bandwidth_bps=int(r[:-1]) * 1000, height=int(r[:-1]))
                for r in self.ladder(t)
            )
            return Reply(variants=rungs)
        return Reply(media=self.media(rendition, t))

    def at_edge(self, vantage: str, rendition: str | None, t: float) -> Reply:
        """A cache: the origin's answer, at most `ttl_s` old."""
        made, reply = self._caches.get((vantage, rendition), (-1e9, None))
        if reply is None or t - made >= self.ttl_s or reply.outcome is not Outcome.OK:
            made, reply = t, self.at_origin(rendition, t)
            self._caches[(vantage, rendition)] = (made, reply)
        return msgspec.structs.replace(reply, age_header_s=float(round(t - made)) if self.has_age else None)

    def reply(self, vantage: str, rendition: str | None, t: float) -> Reply:
        return self.at_origin(rendition, t) if vantage == "origin" else self.at_edge(vantage, rendition, t)

    def segment(self, vantage: str, t: float) -> Reply:
        """One look at the newest segment. Without facts in it, those of `segment_facts` are meant."""
        return Reply()

    def segment_facts(self, vantage: str, sequence: int, t: float) -> SegmentFacts:
        return SegmentFacts(
            sequence=sequence,
            extinf_s=self.target_s,
            size=int(self.target_s * 100_000),
            digest=f"{sequence:x}",
            is_whole=True,
            transfer_s=0.1 * self.target_s,
            container="ts",
            duration_s=self.target_s,
            starts_with_key=True,
            declared_bps=1_000_000,
            average_bps=900_000,
            codecs="avc1.640028,mp4a.40.2",
            height=1080,
        )

    def key(self, vantage: str, t: float) -> Reply | None:
        """None: nothing is encrypted."""
        return None

    def blocked(self, vantage: str, rendition: str, t: float, known: MediaFacts) -> Reply | None:
        """The answer to a blocking reload for what follows `known`; None: nobody makes any."""
        return None


class Told(msgspec.Struct, frozen=True):
    t: float
    verdict: ChannelVerdict


class Night:
    def __init__(self, world: World, watched: Channel | None = None, seed: int = 7, segments: bool = False):
        self.world = world
        self.channel = watched or channel()
        self.told: list[Told] = []
        self.memory = ChannelMemory.starting(self.channel, instant(0))
        self.is_stopped: Callable[[float], bool] = lambda t: False  # SIGSTOP: nothing happens at all
        self.heartbeat: Callable[[float], Heartbeat] = self._beat
        self.loses: Callable[[str, float], bool] = lambda vantage, t: False
        self._rng = random.Random(seed)
        self._heap: list[tuple[float, int, str, tuple[str, str | None]]] = []
        self._count = 0
        self._paces: dict[tuple[str, str | None], schedule.Pace] = {}
        self._starts: dict[tuple[str, str | None], float] = {}
        self._looks: dict[str, tuple[int, float, int]] = {}  # vantage -> sequence, first listed, tries
        self._looking: set[str] = set()
        self._keyed: dict[str, float] = {}
        self._blocking: set[tuple[str, str | None]] = set()
        self._known: dict[tuple[str, str | None], Reply] = {}
        self._is_segments = segments
        self._deadline: float | None = None
        for vantage in self.channel.vantages:
            self._add((vantage.name, None), 0.0)
        self._push(1.0, "beat", ("", None))

    def _beat(self, t: float) -> Heartbeat:
        return Heartbeat(
            at=instant(t), poll_lag_s=0.01, loop_lag_s=0.01, channels=1, polls=10, bytes_in=0, in_flight=0
        )

    def _push(self, at: float, kind: str, place: tuple[str, str | None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, kind, place))

    def _add(self, place: tuple[str, str | None], t: float) -> None:
        key = f"{place[0]}/{place[1]}/{self._rng.random()}"
        self._paces[place] = schedule.begun(key, t, 1.0)
        self._arm(place, t)

    def _arm(self, place: tuple[str, str | None], t: float) -> None:
        self._push(max(t, schedule.due(self._paces[place])[0]), "poll", place)

    def run(self, until: float) -> Night:
        while self._heap and self._heap[0][0] <= until:
            at, _, kind, place = heapq.heappop(self._heap)
            if self._deadline is not None and self._deadline < at:
                due, self._deadline = self._deadline, None
                self._step(due, (), None)
            if self.is_stopped(at) and kind in ("poll", "beat"):
                self._push(at + 0.1, kind, place)
                continue
            getattr(self, f"_on_{kind}")(at, place)
        return self

    def _on_beat(self, t: float, place: tuple[str, str | None]) -> None:
        self._step(t, (), self.heartbeat(t))
        self._push(t + 1.0, "beat", place)

    def _on_poll(self, t: float, place: tuple[str, str | None]) -> None:
        pace = self._paces.get(place)
        if pace is None:
            return
        due, reason = schedule.due(pace)
        if due > t + 1e-9 or t - self._starts.get(place, -9.0) < 1e-6:
            return
        self._ask(t, place, reason is schedule.Reason.RETRY)

    def _on_consult(self, t: float, place: tuple[str, str | None]) -> None:
        if (
            place in self._paces
            and t - self._starts.get(place, -9.0) >= 0.5 - 1e-9
            and not self.is_stopped(t)
        ):
            self._ask(t, place, self._paces[place].retry_at is not None)

    def _ask(self, t: float, place: tuple[str, str | None], is_retry: bool) -> None:
        pace = self._paces[place]
        target_s = pace.target_s
        period = (
            schedule.master_period_s(self.world.target_s, None)
            if place[1] is None
            else schedule.media_period_s(target_s, None)
        )
        self._starts[place] = t
        self._paces[place] = schedule.started(pace, t, period)
        reply = self.world.reply(place[0], place[1], t + 0.01)
        if self.loses(place[0], t):
            reply = Reply(Outcome.UNREACHABLE, None, detail="connection reset")
        done = t + reply.elapsed_s
        seen = Observation(
            channel=self.channel.name,
            vantage=place[0],
            asked=Asked.MASTER if place[1] is None else Asked.MEDIA,
            rendition=place[1],
            at=instant(done),
            elapsed_s=reply.elapsed_s,
            outcome=reply.outcome,
            status=reply.status,
            detail=reply.detail,
            variants=reply.variants,
            media=reply.media,
            age_header_s=reply.age_header_s,
            is_retry=is_retry,
            is_unchanged=self._is_unchanged(place, reply),
            remarks=reply.remarks,
        )
        self._push(done, "answer", place)
        self._answers = getattr(self, "_answers", {})
        self._answers[(place, done)] = seen

    def _on_answer(self, t: float, place: tuple[str, str | None]) -> None:
        seen: Observation = self._answers.pop((place, t))
        before = self._paces.get(place)
        if before is None:
            return
        shifted = msgspec.structs.replace(seen, at=Instant(seen.at.utc, seen.at.mono - START))
        self._paces[place] = after = schedule.answered(before, shifted)
        if seen.variants and after.retry_at is None:
            rungs = {rung.rendition for rung in seen.variants}
            for known in [
                p for p in self._paces if p[0] == place[0] and p[1] is not None and p[1] not in rungs
            ]:
                del self._paces[known]
            for rendition in rungs:
                if (place[0], rendition) not in self._paces:
                    self._add((place[0], rendition), t)
        self._arm(place, t)
        is_bad = after.deadlines_met > before.deadlines_met or (after.was_suspect and not before.was_suspect)
        origin = ("origin", place[1])
        if is_bad and place[0] != "origin" and origin in self._paces:
            self._push(max(t, self._starts.get(origin, -9.0) + 0.5), "consult", origin)
        if self._is_segments and seen.media is not None and place[1] == LADDER[0]:
            self._list(t, place[0], seen.media)
        self._step(t, (seen, *self._key(t, place, seen)), None)
        if seen.media is not None and place not in self._blocking:
            self._blocking.add(place)
            self._push(t, "block", place)

    def _is_unchanged(self, place: tuple[str, str | None], reply: Reply) -> bool:
        before = self._known.get(place)
        self._known[place] = reply
        return before is not None and (before.media, before.variants) == (reply.media, reply.variants)

    def _list(self, t: float, vantage: str, media: MediaFacts) -> None:
        """A playlist names a new segment: it is looked at, one look of a vantage at a time."""
        known = self._looks.get(vantage)
        if known is None or known[0] != media.newest_sequence:
            self._looks[vantage] = (media.newest_sequence, t, 0)
            if vantage not in self._looking:
                self._push(t, "look", (vantage, LADDER[0]))

    def _on_look(self, t: float, place: tuple[str, str | None]) -> None:
        vantage = place[0]
        if vantage in self._looking:
            return
        sequence, listed_at, tries = self._looks[vantage]
        reply = self.world.segment(vantage, t)
        facts = reply.segment or self.world.segment_facts(vantage, sequence, t)
        if reply.outcome is not Outcome.OK:
            facts = SegmentFacts(sequence=sequence, extinf_s=self.world.target_s)
        elapsed_s = facts.transfer_s if facts.transfer_s is not None else reply.elapsed_s
        self._looking.add(vantage)
        seen = Observation(
            channel=self.channel.name,
            vantage=vantage,
            asked=Asked.SEGMENT,
            rendition=place[1],
            at=instant(t + elapsed_s),
            elapsed_s=elapsed_s,
            outcome=reply.outcome,
            status=reply.status,
            detail=reply.detail,
            is_retry=tries > 0,
            remarks=reply.remarks,
            segment=msgspec.structs.replace(facts, waited_s=t - listed_at),
        )
        self._answers = getattr(self, "_answers", {})
        self._answers[("look", vantage)] = seen
        self._push(t + elapsed_s, "looked", place)

    def _on_looked(self, t: float, place: tuple[str, str | None]) -> None:
        vantage = place[0]
        seen: Observation = self._answers.pop(("look", vantage))
        self._looking.discard(vantage)
        self._step(t, (seen,), None)
        sequence, listed_at, tries = self._looks[vantage]
        if seen.segment is None or seen.segment.sequence != sequence:
            self._push(t, "look", place)  # another was listed meanwhile
        elif seen.outcome is not Outcome.OK and tries < 3:
            target_s = self.world.target_s
            again = (t + min(1.0, target_s / 4), listed_at + target_s / 2, listed_at + target_s)[tries]
            self._looks[vantage] = (sequence, listed_at, tries + 1)
            self._push(max(t, again), "look", place)

    def _key(self, t: float, place: tuple[str, str | None], seen: Observation) -> list[Observation]:
        """Its key is asked for, by the top rendition's playlist."""
        if seen.media is None or place[1] != LADDER[0] or t < self._keyed.get(place[0], 0.0):
            return []
        found = []
        for is_retry in (False, True):
            at = t + (1.0 if is_retry else 0.0)
            reply = self.world.key(place[0], at)
            if reply is None:
                break
            found.append(
                Observation(
                    channel=self.channel.name,
                    vantage=place[0],
                    asked=Asked.KEY,
                    rendition=place[1],
                    at=instant(at),
                    elapsed_s=0.02,
                    outcome=reply.outcome,
                    status=reply.status,
                    detail=reply.detail,
                    is_retry=is_retry,
                )
            )
            is_good = reply.outcome is Outcome.OK
            self._keyed[place[0]] = t + (30.0 if is_good else self.world.target_s)
            if is_good:
                break
        return found

    def _on_block(self, t: float, place: tuple[str, str | None]) -> None:
        known = self._known.get(place)
        if place[1] is None or known is None or known.media is None or self.is_stopped(t):
            self._push(t + 1.0, "block", place)
            return
        reply = self.world.blocked(place[0], place[1], t, known.media)
        if reply is None:
            return
        done = t + reply.elapsed_s
        self._answers = getattr(self, "_answers", {})
        self._answers[("block", place)] = (t, reply)
        self._push(done, "blocked", place)

    def _on_blocked(self, t: float, place: tuple[str, str | None]) -> None:
        asked_at, reply = self._answers.pop(("block", place))
        self._known[place] = reply
        seen = Observation(
            channel=self.channel.name,
            vantage=place[0],
            asked=Asked.BLOCKED,
            rendition=place[1],
            at=instant(t),
            elapsed_s=t - asked_at,
            outcome=reply.outcome,
            status=reply.status,
            media=reply.media,
            remarks=reply.remarks,
        )
        self._step(t, (seen,), None)
        self._push(t + 0.01, "block", place)

    def _step(self, t: float, seen: tuple[Observation, ...], heartbeat: Heartbeat | None) -> None:
        taken = step(self.memory, seen, heartbeat, instant(t))
        self.memory = taken.memory
        self._deadline = taken.deadline_mono - START if taken.deadline_mono is not None else None
        assert self._deadline is None or self._deadline > t
        if not self.told or self.told[-1].verdict != taken.verdict:
            self.told.append(Told(t, taken.verdict))

    # what a test asks
    @property
    def verdict(self) -> ChannelVerdict:
        return self.told[-1].verdict

    def findings(self, since: float = 0.0) -> list[tuple[float, Finding]]:
        """Every finding as first told with its severity, with the time."""
        out: list[tuple[float, Finding]] = []
        had: set[tuple[object, ...]] = set()
        for told in self.told:
            for finding in told.verdict.findings:
                key = (*finding.key, finding.severity)
                if key not in had:
                    had.add(key)
                    if told.t >= since:
                        out.append((told.t, finding))
        return out

    def first(self, code: str, severity: str | None = None, rendition: str | None = None) -> float | None:
        """When a code was first told (with that severity, of that rendition)."""
        for t, finding in self.findings():
            if (
                finding.code == code
                and severity in (None, finding.severity)
                and rendition in (None, finding.rendition)
            ):
                return t
        return None

    def codes(self) -> set[tuple[str, str]]:
        """(code, layer) of everything ever told."""
        return {(f.code, f.layer.value) for _, f in self.findings()}
