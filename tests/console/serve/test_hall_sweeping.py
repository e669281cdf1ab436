"""What is collected when, while a server stands."""

from __future__ import annotations

import gc
import weakref

import pytest

from console.serve.hall import sweeping
from console.serve.hall.sweeping import SELDOM_S, SOON_S, Sweeper


class Knot:
    """What only the collector of cycles lets go of."""

    def __init__(self) -> None:
        self.self = self


def old() -> weakref.ref[Knot]:
    """Of one that nobody has any more, and that has lived long enough to be looked at by a full collection only."""
    knot = Knot()
    for generation in (0, 1):
        gc.collect(generation)
    return weakref.ref(knot)


def test_everything_is_collected_soon_after_somebody_left_and_else_seldom():
    before = gc.get_threshold()
    sweeper = Sweeper(1000.0)
    try:
        gone = old()
        sweeper.look(1000.0 + SOON_S)  # nobody has left
        assert gone() is not None
        sweeper.sweep()
        assert gone() is not None
        sweeper.look(1000.0 + SOON_S + 1.0)
        assert gone() is None
        gone = old()
        sweeper.look(1000.0 + SOON_S + SELDOM_S)
        assert gone() is not None
        sweeper.look(1001.0 + SOON_S + SELDOM_S)
        assert gone() is None
    finally:
        sweeper.close()
    assert gc.get_threshold() == before


def test_what_was_held_when_it_was_collected_is_collected_again_until_it_is_gone():
    sweeper, now = Sweeper(0.0), 0.0
    try:
        held, holder = Knot(), []
        holder.append(held)
        gone = weakref.ref(held)
        sweeper.left(held)
        del held
        sweeper.sweep()
        for _ in range(3):
            now += SOON_S
            sweeper.look(now)
            assert gone() is not None
        holder.clear()
        sweeper.look(now + SOON_S / 2)
        assert gone() is not None, "no sooner than it is time"
        sweeper.look(now + SOON_S)
        assert gone() is None
    finally:
        sweeper.close()


def test_what_is_held_for_ever_is_told_once_and_is_no_reason_to_look_for_ever(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sweeping, "TRIES", tries := 3)
    sweeper, leaked = Sweeper(0.0), Knot()
    try:
        sweeper.left(leaked)
        sweeper.sweep()
        for turn in range(1, tries + 1):
            assert not caplog.records
            sweeper.look(turn * SOON_S)
        assert "1 app(s) of sessions that have ended are still held" in caplog.text
        gone = old()
        sweeper.look((tries + 1) * SOON_S)
        assert gone() is not None, "it is seldom again"
    finally:
        sweeper.close()
