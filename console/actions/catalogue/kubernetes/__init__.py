"""The actions on workloads, pods and nodes. `looking` asks the API server what stands around a target; the others turn that
into a draft.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from console.actions.action import Action
from console.actions.catalogue.kubernetes.deployment import Pause, Restart, Resume
from console.actions.catalogue.kubernetes.looking import Clusters
from console.actions.catalogue.kubernetes.node import Cordon, Drain, Uncordon
from console.actions.catalogue.kubernetes.pod import Evict
from console.actions.catalogue.kubernetes.scale import Autoscale, Scale
from console.actions.catalogue.kubernetes.undo import Undo
from console.actions.targets.kubernetes.hand import KubeHand


def actions(
    hands: Mapping[str, KubeHand], service_labels: tuple[str, ...], zone_labels: tuple[str, ...]
) -> Iterator[Action]:
    """All of them, over the hands of the site's clusters."""
    clusters = Clusters(hands, service_labels, zone_labels)
    for make in (Restart, Undo, Pause, Resume, Scale, Autoscale, Evict, Cordon, Uncordon, Drain):
        yield make(clusters)
