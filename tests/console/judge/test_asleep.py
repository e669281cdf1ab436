"""A console that was stopped, a machine that slept: what was is not what is, and nobody is blamed for what nobody looked at."""

from __future__ import annotations

import pytest

from console.judge.incidents import QUIET_S
from console.model.severity import Severity
from tests.console.judge.night import Night, World
from tests.console.judge.test_incidents import Night as Incidents
from tests.console.judge.test_incidents import finding, verdict

AWAY_S = 300.0


@pytest.fixture(params=[40.3, 41.9, 43.5])
def start(request: pytest.FixtureRequest) -> float:
    return float(request.param)


class Watched(Night):
    """Remembers when each playlist was asked."""

    def __init__(self, world: World) -> None:
        self.asked: list[tuple[float, tuple[str, str | None]]] = []
        super().__init__(world)

    def _ask(self, t: float, place: tuple[str, str | None], is_retry: bool) -> None:
        self.asked.append((t, place))
        super()._ask(t, place, is_retry)


def asleep(world: World, start: float) -> Watched:
    night = Watched(world)
    night.is_stopped = lambda t: start <= t < start + AWAY_S
    return night


def test_a_healthy_channel_is_unknown_until_every_playlist_of_it_was_asked_again_and_blamed_for_nothing(start: float) -> None:
    night = asleep(World(), start)
    night.run(start + AWAY_S + 120)
    assert night.findings() == []
    after = [told for told in night.told if told.t >= start + AWAY_S]
    well = next(told for told in after if told.verdict.severity is Severity.OK)
    assert all(told.verdict.severity is Severity.UNKNOWN for told in after if told.t < well.t)
    first = {place: min(t for t, one in night.asked if one == place and t >= start + AWAY_S) for place in night._paces}
    assert len(first) == 20 and well.t <= start + AWAY_S + 10
    media = [t for (_, rendition), t in first.items() if rendition is not None]
    assert max(media) <= well.t, "a playlist counts as well that nobody has looked at"
    assert night.verdict.severity is Severity.OK and night.verdict.is_settled


def test_what_broke_meanwhile_is_never_shown_well_first(start: float) -> None:
    class Frozen(World):
        def newest(self, rendition: str, t: float) -> int:
            return super().newest(rendition, min(t, start + 100))

    night = asleep(Frozen(), start)
    night.run(start + AWAY_S + 30)
    after = [told for told in night.told if told.t >= start + AWAY_S]
    assert after[-1].verdict.severity is Severity.CRIT
    assert {finding.code for finding in after[-1].verdict.findings} == {"STALE"}
    crit = next(told.t for told in after if told.verdict.severity is Severity.CRIT)
    assert crit <= start + AWAY_S + 20


def test_the_learned_latency_is_not_spoilt_by_the_time_away(start: float) -> None:
    night = asleep(World(), start)
    night.run(start)
    before = night.memory.least_latency_s
    night.run(start + AWAY_S + 60)
    assert before is not None and night.memory.least_latency_s == pytest.approx(before, abs=1.0)


def test_a_time_in_which_nobody_looked_is_no_minute_of_quiet() -> None:
    night = Incidents()
    night.at(100, verdict(finding("uk-sport-1", 100)))
    (quiet,) = night.at(110, verdict(channel="uk-sport-1", severity=Severity.OK))
    assert quiet.closed_at is None
    (still,) = night.at(110 + 3600, verdict(channel="uk-sport-1", severity=Severity.OK), unwatched_s=3600.0)
    assert still.closed_at is None, "it was quiet for an hour that nobody saw"
    (closed,) = night.at(110 + 3600 + QUIET_S, verdict(channel="uk-sport-1", severity=Severity.OK))
    assert closed.closed_at is not None
