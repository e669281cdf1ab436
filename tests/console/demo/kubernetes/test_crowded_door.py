"""The autoscaler of the door while a crowd comes: at its maximum, and home again a while after."""

from __future__ import annotations

from console.demo.kubernetes.cluster import Cluster
from console.demo.kubernetes.store import Store
from console.demo.world.world import World

DOOR = ("platform", "session-api")


def test_the_doors_autoscaler_goes_to_its_maximum_and_comes_home_after_its_window(clock) -> None:
    store = Store(clock)
    world = World(1, "capacity-crunch", clock())
    cluster = Cluster(store, world, 31)
    cluster.populate(clock())

    def through(until: int) -> tuple[int, int, str]:
        """(replicas wanted, ready, why it is limited)."""
        at = int((clock.now - clock.start).total_seconds())
        for second in range(at, until, 3):
            cluster.evolve(clock.to(second))
        cluster.evolve(clock.to(until))
        deployment = store.get("deployments.apps", *DOOR).read()
        scaler = store.get("horizontalpodautoscalers.autoscaling", *DOOR).read()
        limited = next(c for c in scaler["status"]["conditions"] if c["type"] == "ScalingLimited")
        return deployment["spec"]["replicas"], deployment["status"]["readyReplicas"], limited["reason"]

    assert through(19) == (14, 14, "DesiredWithinRange")
    assert through(90) == (28, 28, "TooManyReplicas")
    assert through(199) == (28, 28, "TooManyReplicas")
    assert through(320)[:2] == (28, 28), "a downscale waits for its window"
    assert through(620) == (14, 14, "DesiredWithinRange")
    others = [one.read() for one in store.all("deployments.apps") if one.name != DOOR[1]]
    assert all(one["spec"]["replicas"] == one["status"]["readyReplicas"] for one in others)
