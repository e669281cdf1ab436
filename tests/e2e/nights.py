"""Nights: a scenario from before its fault until after it has healed, and all that an engine said of it.

They take a minute each and nobody has to stand by, so that they are recorded by threads of their own while other tests run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.midwatch import Ran, midwatch
from tests.e2e.platform import Platform, Told, platform
from tests.e2e.record import Record, watching
from tests.e2e.waiting import until
from tests.e2e.watch import Moment

AT_ONCE = 2
START_S = 15.0  # a console is settled after 9 s on an idle machine
CALM_S = 45.0
HEALED_WITHIN_S = 60.0
CROWD_GONE_WITHIN_S = 130.0  # it leaves in 40 s, and the gauges are rates over a minute
BLIND_S = 4.0  # more than this, twice, and a night is not judged
AFTER_S = 3.0  # a night goes on for this long after it is calm again: a relapse would be told
FEW = ("uk-sport-1", "us-news-1")


class Night:
    """A night that is over."""

    def __init__(self, truth: list[Told], moments: list[Moment]) -> None:
        self.starts = [told for told in truth if told.kind == "start"]
        self.ends = [told for told in truth if told.kind == "end"]
        self.moments = moments
        self.snapshot: Ran | None = None  # taken during the fault
        self.held = 0  # how many log lines the index counts from the first moment of live logs until the healing
        self.held_most = 0  # the same from 5 s earlier until the last moment

    @property
    def begun(self) -> Any:
        return self.starts[0].t

    @property
    def ended(self) -> Any:
        return self.ends[0].t

    @property
    def was_ready(self) -> bool:
        """The console had seen all before the fault began."""
        before = [moment for moment in self.moments if not self.starts or moment.at < self.begun]
        return is_live(before[-1])

    @property
    def blind_s(self) -> float:
        """For how long of it the prober could not see."""
        pairs = zip(self.moments, self.moments[1:], strict=False)
        return sum((after.at - before.at).total_seconds() for before, after in pairs if is_blind(after))

    @property
    def logged(self) -> list[Moment]:
        """The moments in which the logs were live."""
        return [moment for moment in self.moments if moment.panes["logs"].state == "live"]


def is_blind(moment: Moment) -> bool:
    """The prober told that it could not see."""
    pane = moment.panes["streams"]
    return pane.state in ("stale", "error") or any(row.reason.startswith("probe:") for row in pane.rows)


def is_live(moment: Moment) -> bool:
    """All four panes are."""
    return all(pane.state == "live" for pane in moment.panes.values())


def taken(first: Moment, last: Moment | None) -> int:
    """How many log lines were received between two moments; 0 where one does not say."""
    accounts = [moment.panes["logs"].accounting if moment is not None else None for moment in (first, last)]
    return accounts[1]["received"] - accounts[0]["received"] if accounts[0] and accounts[1] else 0


def is_calm(moment: Moment) -> bool:
    """Live, and nothing is accused by name; of the log's error ratio, which looks a minute back, nothing is asked."""
    return is_live(moment) and not moment.findings and all(
        pane.severity == "OK" for name, pane in moment.panes.items() if name != "logs"
    )


class Nights:
    """Those asked for, in the order asked; `of` waits for one."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="night")
        self._asked: dict[str, Future[Night]] = {}
        self._is_over = False

    def begin(self, *scenarios: str) -> None:
        for scenario in scenarios:
            self._asked[scenario] = self._pool.submit(self._recorded, scenario)

    def _recorded(self, scenario: str) -> Night:
        """A night in which the prober was starved says nothing of the judge, and is recorded once more; so is one whose
        fault came before the console was ready for it.
        """
        night = RECORDED[scenario](self, self._place / scenario)
        if night.blind_s > BLIND_S or not night.was_ready:
            night = RECORDED[scenario](self, self._place / f"{scenario}-again")
        return night

    def of(self, scenario: str) -> Night:
        """The night of a scenario; what went wrong while it was recorded is raised here."""
        night = self._asked[scenario].result(400)
        if night.blind_s > BLIND_S:
            pytest.skip(f"the machine is too busy: the prober told that it could not see for {night.blind_s:.0f} s")
        return night

    def end(self) -> None:
        self._is_over = True
        self._pool.shutdown(cancel_futures=True)

    def pause(self, over: Callable[[], object], what: str, within_s: float, record: Record) -> None:
        """Wait for something of a night, unless nobody wants it any more."""
        until(lambda: self._is_over or over(), what, within_s, seen=record.told)
        if self._is_over:
            raise RuntimeError("the night was broken off")

    def healed(self, running: Platform, record: Record, ends: int, within_s: float = HEALED_WITHIN_S) -> None:
        """Past the end of all faults, and AFTER_S past the calm after them, or `within_s` if there is none."""
        self.pause(lambda: sum(told.kind == "end" for told in running.truth) == ends, "the fault's end", 120, record)
        deadline = time.monotonic() + within_s
        calm_since: list[float] = []

        def is_over() -> bool:
            moment = record.now
            if moment is None or not is_calm(moment):
                calm_since.clear()
            elif not calm_since:
                calm_since.append(time.monotonic())
            return time.monotonic() > deadline or bool(calm_since and time.monotonic() - calm_since[0] > AFTER_S)

        self.pause(is_over, "calm after the fault", within_s + 30, record)


def _calm(nights: Nights, place: Path) -> Night:
    with platform(place, "calm") as running, watching(running.config, "watch") as record:
        nights.pause(lambda: record.now is not None and is_live(record.now), "four live panes", 180, record)
        begun = time.monotonic()
        nights.pause(lambda: time.monotonic() - begun > CALM_S, "the calm to last", CALM_S + 30, record)
    return Night([], record.moments)


def _edge_stale(nights: Nights, place: Path) -> Night:
    with (
        platform(place, "edge-stale", start_after_s=START_S, duration_s=28) as running,
        watching(running.config, "watch") as record,
    ):
        nights.healed(running, record, ends=1)
        return Night(running.truth, record.moments)


def _bad_deploy(nights: Nights, place: Path) -> Night:
    with (
        platform(place, "bad-deploy", start_after_s=START_S, duration_s=34) as running,
        watching(running.config, "watch") as record,
    ):
        nights.healed(running, record, ends=20)
        return Night(running.truth, record.moments)


def _backend_down(nights: Nights, place: Path) -> Night:
    with platform(place, "backend-down", start_after_s=START_S, duration_s=18) as running:
        few = running.view("few", FEW)
        with watching(few, "watch") as record:
            nights.pause(lambda: running.truth, "the fault", 60, record)
            snapshot = midwatch(few, "snapshot", "overview", "--format", "json")
            nights.healed(running, record, ends=1)
            first, healed = Night([], record.moments).logged[0], record.moments[-1]
            held = running.lines(first.at, healed.at)
            nights.pause(lambda: taken(first, record.now) >= held, f"all {held} lines of the index", 20, record)
            night = Night(running.truth, record.moments)
            night.snapshot, night.held = snapshot, held
            night.held_most = running.lines(first.at - timedelta(seconds=5), night.moments[-1].at)
            return night


def _encoder_flap(nights: Nights, place: Path) -> Night:
    """Three spells of 14 s, 38 s apart. It does not become calm: what flaps is held at its worst for ten minutes."""
    with (
        platform(place, "encoder-flap", start_after_s=START_S, duration_s=90) as running,
        watching(running.config, "watch") as record,
    ):
        nights.healed(running, record, ends=5)
        return Night(running.truth, record.moments)


def _cdn_slow(nights: Nights, place: Path) -> Night:
    with (
        platform(place, "cdn-slow", start_after_s=START_S, duration_s=36) as running,
        watching(running.config, "watch") as record,
    ):
        nights.healed(running, record, ends=6)
        return Night(running.truth, record.moments)


def _node_lost(nights: Nights, place: Path) -> Night:
    """40 s until the node is given up, 30 s more until its packagers are, and a little of what follows."""
    with (
        platform(place, "node-lost", start_after_s=START_S, duration_s=90) as running,
        watching(running.config, "watch") as record,
    ):
        nights.healed(running, record, ends=11)
        return Night(running.truth, record.moments)


def _log_storm(nights: Nights, place: Path) -> Night:
    """Long enough for the error ratio, which looks a minute back at lines that come a quarter of one late."""
    with (
        platform(place, "log-storm", start_after_s=START_S, duration_s=90) as running,
        watching(running.config, "watch") as record,
    ):
        nights.healed(running, record, ends=2)
        first, healed = Night([], record.moments).logged[0], record.moments[-1]
        held = running.lines(first.at, healed.at)
        nights.pause(lambda: taken(first, record.now) >= held, f"all {held} lines of the index", 20, record)
        night = Night(running.truth, record.moments)
        night.held, night.held_most = held, running.lines(first.at - timedelta(seconds=5), record.moments[-1].at)
        return night


def _capacity_crunch(nights: Nights, place: Path) -> Night:
    """The gauges look a minute back too, on both ends."""
    with (
        platform(place, "capacity-crunch", start_after_s=START_S, duration_s=95) as running,
        watching(running.config, "watch") as record,
    ):
        nights.healed(running, record, ends=2, within_s=CROWD_GONE_WITHIN_S)
        return Night(running.truth, record.moments)


RECORDED: dict[str, Callable[[Nights, Path], Night]] = {
    "bad-deploy": _bad_deploy,
    "calm": _calm,
    "edge-stale": _edge_stale,
    "backend-down": _backend_down,
    "encoder-flap": _encoder_flap,
    "cdn-slow": _cdn_slow,
    "node-lost": _node_lost,
    "log-storm": _log_storm,
    "capacity-crunch": _capacity_crunch,
}
