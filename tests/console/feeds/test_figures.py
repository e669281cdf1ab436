"""Figures on the desk: judged, with a memory, and without the store's words for who may not read everything."""

from __future__ import annotations

import asyncio

from console.feeds.derived import DerivedFeed, Inputs
from console.feeds.desk import Desk
from console.feeds.figures import FIGURES, FiguresDerivation
from console.feeds.hub import Hub
from console.model.figure import Better, Figure, Figures, FigureSpec
from console.model.severity import Severity
from console.model.sight import Sight
from tests.hand_clock import HandClock
from tests.scene import SetFeed, live

SPEC = FigureSpec("viewers", "q", "viewers", Better.HIGHER, 0.8, 0.5)


def figures(now: float | None, **told: str) -> Figures:
    return Figures((Figure(SPEC, now, 100.0, **told),))


def test_a_verdict_remembers_what_it_was() -> None:
    clock, derivation = HandClock(), FiguresDerivation("raw")

    def verdict(now: float | None) -> Severity:
        derived = derivation.step(Inputs({"raw": live(figures(now), clock.now())}), clock.now())
        assert derived.reading.value is not None
        return derived.reading.value.verdicts["viewers"]

    assert [verdict(now) for now in (81.0, 79.0, 81.0, 83.0, 81.0, None)] == [
        Severity.OK, Severity.WARN, Severity.WARN, Severity.OK, Severity.OK, Severity.UNKNOWN,
    ]  # fmt: skip


async def test_a_seat_tells_the_figures_and_without_full_sight_not_the_stores_words() -> None:
    clock = HandClock()
    hub = Hub(clock)
    words = {"missing": 'HTTP 422: secret-namespace has no "x"', "missing_week": "a week ago: HTTP 422: secret-namespace"}
    hub.add(SetFeed("raw", live(figures(None, **words), clock.now())))
    hub.add(DerivedFeed(FIGURES, FiguresDerivation("raw"), hub, clock))
    desk = Desk(hub, clock, None)
    seats = desk.sit(FIGURES), desk.seen_by(Sight(namespaces=("live",))).sit(FIGURES)
    while seats[0].version == 0:  # noqa: ASYNC110
        await asyncio.sleep(0)
    whole, partly = (seat.reading for seat in seats)
    assert whole is not None and partly is not None
    assert "secret" in whole.value.figures[0].missing
    assert "secret" not in str(partly.value)
    assert partly.value.figures[0].missing == "the metrics store does not tell it"
    assert partly.value.verdicts == {"viewers": Severity.UNKNOWN}
    plain = desk.seen_by(Sight(namespaces=("live",))).seen(
        FIGURES, live(figures(None, missing="no data", missing_week="younger than a week: first seen about 2 d ago"), clock.now())
    )
    assert plain.value.figures[0].missing_week == "younger than a week: first seen about 2 d ago"
    for seat in seats:
        seat.close()
    await hub.close()


def test_a_site_without_figures_has_no_reading() -> None:
    clock = HandClock()
    assert Desk(Hub(clock), clock, None).sit(FIGURES).reading is None
