"""How a snapshot ends: what the panes of one moment mean for a script."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from console.exit_codes import ExitCode
from console.judge.codes import Code
from console.model.channel import Channel, Vantage
from console.model.finding import ChannelVerdict, Finding
from console.model.instant import Instant
from console.model.joined import Streams
from console.model.reading import Reading
from console.model.scope import Scope
from console.model.severity import Layer, Severity, State
from console.rows import streams
from console.rows.digest import Digest
from console.rows.pane import Pane, unconfigured
from console.snapshot import exit_code

NOW = Instant(utc=datetime(2026, 11, 22, 2, 14, 7, tzinfo=UTC), mono=1000.0)
EVERYWHERE = Scope()


def pane(name: str, state: State, rows: tuple[Any, ...] = ()) -> Pane[Any]:
    return Pane(name=name, title=name, state=state, severity=Severity.UNKNOWN, summary="", rows=rows)


def down(detail: dict[str, Any], code: Code = Code.FETCH_FAIL, channels: int = 2) -> Pane[Any]:
    """The streams pane with every channel DOWN, and with what its fetches brought as evidence."""
    names = [f"channel-{number}" for number in range(channels)]
    listed = {
        name: Channel(name=name, vantages=(Vantage(name="origin", layer=Layer.ORIGIN, url="http://o/m.m3u8"),))
        for name in names
    }

    def finding(entity: str, code: Code, evidence: dict[str, Any]) -> Finding:
        return Finding(code.value, entity, None, Layer.ORIGIN, "origin", Severity.CRIT, "", NOW.utc, NOW.utc, evidence)

    verdicts = {
        name: ChannelVerdict(
            channel=name,
            severity=Severity.CRIT,
            findings=(finding(name, Code.DOWN, {}), finding(name, code, detail)),
            is_settled=True,
        )
        for name in names
    }
    reading = Reading(value=Streams(channels=listed, verdicts=verdicts), state=State.LIVE, received=NOW, as_of=NOW.utc)
    return streams.pane(reading, EVERYWHERE, NOW)


def digest(*panes: Pane[Any]) -> Digest:
    return Digest(site="demo", view="overview", scope=EVERYWHERE, taken_at=NOW.utc, panes=panes)


REFUSED = {"detail": "connection refused"}


@pytest.mark.parametrize(
    ("panes", "expected"),
    [
        ((down(REFUSED), pane("logs", State.ERROR)), ExitCode.UNREACHABLE),
        ((down(REFUSED), unconfigured("logs", "Logs", "[it]")), ExitCode.UNREACHABLE),
        ((down(REFUSED), pane("logs", State.LIVE)), ExitCode.OK),
        ((down({"status": 404}), pane("logs", State.ERROR)), ExitCode.PARTIAL),
        ((down({"detail": "<html>"}, Code.NOT_PLAYLIST), pane("logs", State.ERROR)), ExitCode.PARTIAL),
        ((pane("streams", State.ERROR), pane("logs", State.ERROR)), ExitCode.UNREACHABLE),
        ((pane("workloads", State.ERROR, rows=("old",)), pane("logs", State.ERROR)), ExitCode.PARTIAL),
        ((pane("streams", State.CONNECTING), pane("logs", State.ERROR)), ExitCode.PARTIAL),
        ((pane("streams", State.CONNECTING), pane("logs", State.LIVE)), ExitCode.TIMED_OUT),
    ],
)
def test_nothing_reached_is_told_apart_from_something_reached(panes: tuple[Pane[Any], ...], expected: ExitCode) -> None:
    assert exit_code(digest(*panes), tells_health=False) is expected


def test_with_the_health_told_a_channel_that_is_down_goes_before_what_could_not_be_reached() -> None:
    assert exit_code(digest(down(REFUSED), pane("logs", State.ERROR)), tells_health=True) is ExitCode.UNHEALTHY
