"""The actions that move traffic: between servers behind balancers, and between the targets of a switch. `shifting` parts a
wish into steps; `looking` asks the balancers; the others turn that into a draft.
"""

from __future__ import annotations

from collections.abc import Iterator

from console.actions.action import Action
from console.actions.catalogue.traffic.balancing import Drain, Ready, Weigh
from console.actions.catalogue.traffic.switching import Shift
from console.actions.targets.haproxy.hand import HaproxyHand
from console.actions.targets.switch.hand import SwitchHand


def actions(haproxy: HaproxyHand | None, switches: SwitchHand | None) -> Iterator[Action]:
    """Those for which the site has something to do them to."""
    if haproxy is not None:
        yield Weigh(haproxy)
        yield Drain(haproxy)
        yield Ready(haproxy)
    if switches is not None:
        yield Shift(switches)
