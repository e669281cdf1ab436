"""No data is never green: whatever a pane stands on, what is not known now is not called OK."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from console.feeds.desk import OVERVIEW_PANES, TITLES
from console.model.logline import LevelCounts
from console.model.reading import Reading, connecting
from console.model.scope import Scope
from console.model.severity import Severity, State
from console.rows.pane import Pane, unconfigured
from tests.scene import REFUSED, Scene

FIXED = Scope()


def well(scene: Scene) -> None:
    """Take everything bad out of the scene, so that only the state can keep it from being green."""
    feeds = scene.feeds

    def healed(view: str, **changes: Any) -> None:
        reading = feeds[view].topic.reading
        feeds[view].set(msgspec.structs.replace(reading, value=msgspec.structs.replace(reading.value, **changes)))

    streams = feeds["streams"].topic.reading.value
    fine = {
        name: msgspec.structs.replace(verdict, severity=Severity.OK, findings=(), reason="")
        for name, verdict in streams.verdicts.items()
    }
    healed("streams", verdicts=fine)
    buckets = feeds["logs"].topic.reading.value.levels.buckets
    healed("logs", levels=LevelCounts(30.0, tuple(msgspec.structs.replace(bucket, errors=0) for bucket in buckets)))
    workloads = feeds["workloads"].topic.reading.value
    healed(
        "workloads",
        pods={
            key: msgspec.structs.replace(pod, status="Running", phase="Running", ready=1, restarts=0)
            for key, pod in workloads.pods.items()
        },
        deployments={},
    )
    capacity = feeds["capacity"].topic.reading.value
    healed(
        "capacity",
        gauges=tuple(gauge for gauge in capacity.gauges if gauge.ratio is not None),
        verdicts={gauge.spec.name: Severity.OK for gauge in capacity.gauges},
    )
    feeds["incidents"].set(msgspec.structs.replace(feeds["incidents"].topic.reading, value=()))


def pane(scene: Scene, view: str, reading: Reading[Any]) -> Pane[Any]:
    return scene.desk.make(view, reading, FIXED, scene.clock.now())


BROKEN: dict[str, Callable[[Reading[Any]], Reading[Any]]] = {
    "connecting": lambda _: connecting(),
    "connecting, with what the parts that answered say": lambda reading: msgspec.structs.replace(reading, state=State.CONNECTING),
    "stale": lambda reading: reading.aged(),
    "failed after it had answered": lambda reading: reading.failed(REFUSED),
    "failed before it ever answered": lambda _: connecting().failed(REFUSED),
}


@pytest.mark.parametrize("view", list(TITLES))
async def test_with_nothing_wrong_and_everything_known_a_pane_is_green(view: str) -> None:
    """The other half of the promise: the tests below can fail."""
    scene = Scene()
    well(scene)
    made = pane(scene, view, scene.feeds[view].topic.reading)
    assert made.severity is Severity.OK
    assert made.state is State.LIVE


@pytest.mark.parametrize("state", list(BROKEN))
@pytest.mark.parametrize("view", list(TITLES))
async def test_a_pane_that_does_not_know_is_not_green(view: str, state: str) -> None:
    scene = Scene()
    well(scene)
    made = pane(scene, view, BROKEN[state](scene.feeds[view].topic.reading))
    assert made.severity is not Severity.OK
    assert made.state is not State.LIVE
    assert not (made.is_settled and made.state is State.CONNECTING)


@pytest.mark.parametrize("state", ["stale", "failed after it had answered"])
@pytest.mark.parametrize("view", ["streams", "workloads", "capacity"])
async def test_no_row_that_is_judged_is_green_once_it_is_old(view: str, state: str) -> None:
    scene = Scene()
    well(scene)
    made = pane(scene, view, BROKEN[state](scene.feeds[view].topic.reading))
    assert made.rows and {row.severity for row in made.rows} == {Severity.UNKNOWN}
    assert "all well" not in made.summary


@pytest.mark.parametrize("state", ["stale", "failed after it had answered"])
@pytest.mark.parametrize("view", ["streams", "logs", "workloads", "capacity", "incidents"])
async def test_what_was_bad_stays_bad_when_it_grows_old(view: str, state: str) -> None:
    scene = Scene()
    before = pane(scene, view, scene.feeds[view].topic.reading)
    after = pane(scene, view, BROKEN[state](scene.feeds[view].topic.reading))
    assert before.severity.rank > Severity.UNKNOWN.rank
    assert after.severity is before.severity


@pytest.mark.parametrize("view", list(TITLES))
async def test_a_pane_that_never_got_an_answer_claims_nothing(view: str) -> None:
    scene = Scene()
    for reading in (connecting(), connecting().failed(REFUSED)):
        made = pane(scene, view, reading)
        assert (made.age_s, made.as_of) == (None, None)
        assert made.rows == () or view == "logs", "the ring's lines are facts; everything else would be invented"
        assert made.summary in ("connecting …", "connection refused · elasticsearch http://127.0.0.1:9200")
        assert made.is_settled is (made.state is State.ERROR and view != "sources")


@pytest.mark.parametrize("view", OVERVIEW_PANES)
async def test_a_backend_that_is_not_there_is_no_verdict_and_no_fault(view: str) -> None:
    made = unconfigured(view, TITLES[view], "[sites.NAME.x]")
    assert made.severity is Severity.UNKNOWN and not made.is_configured
    assert "not configured: [sites.NAME.x] would fill it" in made.summary


async def test_a_pane_tells_the_age_of_its_value_not_of_its_failure() -> None:
    scene = Scene()
    await scene.clock.advance(34)  # type: ignore[attr-defined]
    made = pane(scene, "streams", scene.feeds["streams"].topic.reading.failed(REFUSED))
    assert made.age_s == 34.0
    assert made.error == REFUSED


async def test_a_clock_that_is_off_is_told_only_from_five_seconds_on() -> None:
    scene = Scene()
    reading = scene.feeds["capacity"].topic.reading
    for skew, told in ((None, None), (4.9, None), (-5.1, -5.1), (60.0, 60.0)):
        assert pane(scene, "capacity", msgspec.structs.replace(reading, skew_s=skew)).skew_s == told
