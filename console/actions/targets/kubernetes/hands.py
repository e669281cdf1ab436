"""The hands of several clusters as one: a write says which cluster it is for."""

from __future__ import annotations

from collections.abc import Mapping

from console.actions.audit.operation import Actor
from console.actions.targets.kubernetes.hand import KubeHand
from console.actions.writes import Answer, Echo, KubeWrite


class KubeHands:
    """One `Hand` for every KubeWrite. KeyError for a cluster that is not there: the plan was made with another site."""

    def __init__(self, hands: Mapping[str, KubeHand]) -> None:
        self._hands = hands

    async def do(self, write: KubeWrite, operation: str, person: Actor) -> Answer:
        return await self._hands[write.cluster].do(write, operation, person)

    async def read_back(self, write: KubeWrite) -> Echo:
        return await self._hands[write.cluster].read_back(write)

    async def close(self) -> None:
        for hand in self._hands.values():
            await hand.close()
