"""What the incidents pane and the strip under every screen say."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from console.model.alert import Alerts
from console.model.incident import Incident
from console.model.reading import connecting
from console.model.scope import Scope
from console.model.severity import Severity
from console.rows import incidents as rows
from console.rows.pane import Pane
from tests.hand_clock import HandClock
from tests.scene import REFUSED, back, incident, live

NOW = HandClock().now()


def made(*changes: dict[str, Any], **scope: str) -> Pane[rows.IncidentRow]:
    """A pane of the scene's incident, once for each change."""
    told = tuple(msgspec.structs.replace(incident(NOW), **change) for change in changes or ({},))
    return rows.pane(live(told, NOW), Scope(tuple(scope.items())), NOW)


def test_the_strip_says_what_how_long_who_has_it_and_what_came_before() -> None:
    row = made().rows[0]
    assert row.strip == "INC-7f3a  packager-emea: STALE on 4 channels · 60s · no ack · before it: packager-emea 3.8.2 rolled out 02:12"
    acknowledged = made({"acknowledged_by": "mei", "before_it": ""}).rows[0]
    assert acknowledged.strip == "INC-7f3a  packager-emea: STALE on 4 channels · 60s · ack mei"


def test_open_ones_come_first_the_worst_first_then_the_newest() -> None:
    pane = made(
        {"id": "closed", "closed_at": back(NOW, 1)},
        {"id": "warn", "severity": Severity.WARN, "opened_at": back(NOW, 1)},
        {"id": "old", "opened_at": back(NOW, 600)},
        {"id": "new", "opened_at": back(NOW, 6)},
    )
    assert [row.name for row in pane.rows] == ["new", "old", "warn", "closed"]
    assert (pane.summary, pane.severity) == ("3 open · 1 closed", Severity.CRIT)


def test_a_closed_incident_keeps_its_length_and_is_no_alarm() -> None:
    pane = made({"closed_at": back(NOW, 20)})
    assert (pane.rows[0].age_s, pane.rows[0].is_closed, pane.severity) == (40.0, True, Severity.OK)


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        ({}, 1), ({"channel": "uk-sport-1"}, 1), ({"channel": "au-footy-1"}, 0), ({"service": "packager-emea"}, 1), ({"service": "origin"}, 0),
        ({"region": "apac"}, 1),
    ],
)  # fmt: skip
def test_an_incident_is_in_scope_when_one_of_its_entities_is(scope: dict[str, str], count: int) -> None:
    assert made(**scope).count == count


def test_an_incident_of_no_known_workload_is_in_the_scope_of_any() -> None:
    assert made({"service": None}, service="origin").count == 1


def test_no_incident_is_green_only_because_it_is_known() -> None:
    none: tuple[Incident, ...] = ()
    assert rows.pane(live(none, NOW), Scope(), NOW).severity is Severity.OK
    assert rows.pane(connecting(), Scope(), NOW).severity is Severity.UNKNOWN
    assert rows.pane(live(none, NOW).failed(REFUSED), Scope(), NOW).severity is Severity.UNKNOWN


def test_the_alerts_are_counted_or_it_is_told_why_not() -> None:
    assert rows.alerts_summary(connecting()) == "connecting …"
    assert rows.alerts_summary(connecting().failed(REFUSED)) == "connection refused · elasticsearch http://127.0.0.1:9200"
    assert rows.alerts_summary(live(Alerts(alerts={}, peers_answered=1, peers_total=1), NOW)) == "0 alerts"


def test_every_column_can_draw_an_incident_of_which_little_is_known() -> None:
    (row,) = made({"layer": None, "service": None, "before_it": "", "entities": (), "timeline": ()}).rows
    texts = {column.key: column.cell(row).text for column in rows.COLUMNS}
    assert (texts["layer"], texts["service"], texts["ack"]) == ("–", "–", "–")
