"""The actions on alerts and incidents: acknowledge, silence, expire a silence."""

from __future__ import annotations

from collections.abc import Iterator

from console.actions.action import Action
from console.actions.catalogue.alerts.acknowledge import AcknowledgeAlert, AcknowledgeIncident
from console.actions.catalogue.alerts.silence import Expire, Silence
from console.actions.targets.alertmanager.hand import AlertmanagerHand


def actions(hand: AlertmanagerHand | None) -> Iterator[Action]:
    """An acknowledgement is a record and needs no Alertmanager; the rest does."""
    yield AcknowledgeIncident()
    yield AcknowledgeAlert()
    if hand is not None:
        yield Silence(hand)
        yield Expire(hand)
