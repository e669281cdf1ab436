"""What is collected when, while a server stands."""

from __future__ import annotations

import gc
import weakref

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
