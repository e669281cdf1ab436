"""How each source spells a dimension of the scope.

A name left empty says that this source does not know the dimension, so the scope does not narrow it there.
The defaults are the field names of ECS, the usual Prometheus labels and the well-known Kubernetes labels.
"""

from __future__ import annotations

import msgspec

KUBERNETES_FIELDS = ("metadata.namespace", "metadata.name", "spec.nodeName")


class Names(msgspec.Struct, frozen=True):
    """One dimension in three languages. What a file leaves out keeps the default of its dimension."""

    prometheus: str = ""  # label
    elasticsearch: str = ""  # keyword field
    kubernetes: str = ""  # label key, or one of KUBERNETES_FIELDS


class ScopeNames(msgspec.Struct, frozen=True):
    """Every dimension but `rendition`, which only the prober knows."""

    region: Names = Names("region", "cloud.region", "topology.kubernetes.io/region")
    cluster: Names = Names(
        "cluster", "orchestrator.cluster.name"
    )  # one cluster is one Kubernetes backend: no label
    namespace: Names = Names("namespace", "kubernetes.namespace", "metadata.namespace")
    service: Names = Names("service", "service.name", "app.kubernetes.io/name")  # and `app`, where that is missing
    channel: Names = Names("channel", "labels.channel")
    pod: Names = Names("pod", "kubernetes.pod.name", "metadata.name")
    node: Names = Names("node", "host.name", "spec.nodeName")
    pop: Names = Names("pop", "labels.pop")
    cdn: Names = Names("cdn", "labels.cdn")

    def of(self, dimension: str) -> Names:
        """The names of a dimension; a dimension without any narrows nothing."""
        names = getattr(self, dimension, None)
        return names if isinstance(names, Names) else Names()


DEFAULTS = ScopeNames()
