"""A node whose kubelet falls silent, as lists, watches and events tell it, and what it means for the channels."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.demo.kubernetes.cluster import Cluster
from console.demo.kubernetes.nodes import UNREACHABLE, tolerated
from console.demo.kubernetes.printing import pod_state
from console.demo.kubernetes.selectors import Selection, field_selector, label_selector
from console.demo.kubernetes.store import Store
from console.demo.world import truth
from console.demo.world.alerts import alerts
from console.demo.world.names import DEPLOYMENT, NAMESPACES, POD_COUNT, node_name
from console.demo.world.pods import pod_at
from console.demo.world.scenario import KINDS
from console.demo.world.world import World

BEGIN_S, END_S = 20.0, 115.0
LOST = KINDS["node-lost"].node
EMEA = Selection("live", label_selector("app=packager-emea"))
LIVE = "/api/v1/namespaces/live/pods?labelSelector=app%3Dpackager-emea"


class Stage:
    def __init__(self, clock, duration_s=END_S - BEGIN_S):
        self.clock = clock
        self.world = World(1, "node-lost", clock(), duration_s=duration_s)
        self.store = Store(clock)
        self.cluster = Cluster(self.store, self.world, 31)
        self.cluster.populate(clock())

    def to(self, seconds):
        self.cluster.evolve(self.clock.to(seconds))

    def through(self, seconds):
        """Half a second at a time where something happens, in longer steps elsewhere."""
        while (at := (self.clock.now - self.clock.start).total_seconds()) < seconds:
            is_busy = any(begin - 1 <= at - BEGIN_S < begin + 8 for begin in (0, 40, 70, END_S - BEGIN_S))
            self.to(min(at + (0.5 if is_busy else 4.0), seconds))

    def node(self):
        return self.store.get("nodes", "", LOST).read()

    def condition(self, type_="Ready"):
        return next(c for c in self.node()["status"]["conditions"] if c["type"] == type_)

    def packagers(self):
        return [one.read() for one in self.store.all("pods", EMEA)]

    def words(self):
        return sorted(pod_state(one, self.clock.now, 31)[1] for one in self.packagers())

    def on_it(self):
        return [one.read() for one in self.store.all("pods") if one.fields["spec.nodeName"] == LOST]

    def events(self, reason):
        by = Selection(None, (), field_selector(f"reason={reason}", "events", "Event"))
        return [one.read() for one in self.store.all("events", by)]


def ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"]["conditions"])


@pytest.fixture
def stage(clock):
    return Stage(clock)


def test_it_holds_the_packagers_of_half_of_the_channels_of_its_region():
    emea = DEPLOYMENT["packager-emea"]
    assert [node_name(emea, index) == LOST for index in range(emea.replicas)] == [True, True, False, False]
    assert KINDS["node-lost"].entities == ("uk-sport-1", "uk-news-1")


def test_for_forty_seconds_the_api_knows_nothing_but_that_no_heartbeat_comes(stage):
    before = stage.node()
    stage.through(BEGIN_S + 39.5)
    assert stage.node()["status"]["conditions"][-1]["status"] == "True" and "taints" not in stage.node()["spec"]
    assert stage.node()["spec"] == before["spec"] and not stage.events("NodeNotReady")
    assert stage.words() == ["Running"] * 4
    assert stage.world.gone_since("uk-sport-1", stage.clock.now) is not None, "and the channel is gone all the same"


def test_then_the_node_is_unknown_and_tainted_and_its_pods_are_not_ready(stage):
    stage.through(BEGIN_S + 40)
    assert {(c["status"], c["reason"]) for c in stage.node()["status"]["conditions"]} == {("Unknown", "NodeStatusUnknown")}
    assert {(t["key"], t["effect"]) for t in stage.node()["spec"]["taints"]} == {
        (UNREACHABLE, "NoSchedule"), (UNREACHABLE, "NoExecute")}
    assert len(stage.on_it()) > 15 and not any(ready(pod) for pod in stage.on_it())
    (told,) = [e for e in stage.events("NodeNotReady") if e["involvedObject"]["kind"] == "Node"]
    assert told["message"] == f"Node {LOST} status is now: NodeNotReady"
    assert len(stage.events("NodeNotReady")) == 1 + len(stage.on_it())
    daemons = stage.store.get("daemonsets.apps", "kube-system", "node-agent").read()["status"]
    assert (daemons["numberReady"], daemons["numberUnavailable"]) == (23, 1)


def test_packagers_are_replaced_elsewhere_and_the_channels_go_on_when_the_new_ones_are_ready(stage):
    old = {pod["metadata"]["name"] for pod in stage.packagers() if pod["spec"]["nodeName"] == LOST}
    stage.through(BEGIN_S + 70)
    assert stage.words() == ["Pending", "Pending", "Running", "Running", "Terminating", "Terminating"]
    evicted = {e["involvedObject"]["name"] for e in stage.events("TaintManagerEviction")}
    assert evicted == old
    back = {}
    while len(back) < 2 and (stage.clock.now - stage.clock.start).total_seconds() < BEGIN_S + 90:
        stage.through((stage.clock.now - stage.clock.start).total_seconds() + 0.5)
        for channel in KINDS["node-lost"].entities:
            if stage.world.gone_since(channel, stage.clock.now) is None:
                back.setdefault(channel, stage.clock.now)
                one = next(p for p in stage.packagers() if p["metadata"]["labels"]["channel"] == channel
                           and p["metadata"]["name"] not in old)
                assert ready(one) and one["spec"]["nodeName"] != LOST
                assert one["metadata"]["labels"]["topology.kubernetes.io/region"] == "emea"
    assert len(back) == 2
    assert stage.words() == ["Running"] * 4 + ["Terminating"] * 2
    new = {pod_at(stage.world, "packager-emea", index, stage.clock.now) for index in (0, 1)}
    assert new <= {pod["metadata"]["name"] for pod in stage.packagers()} and not new & old
    ends = [e for e in truth.events(stage.world, stage.clock.start, stage.clock.now) if e.kind == "end"]
    assert {e.entity: e.t for e in ends} == {channel: truth.rfc3339(at) for channel, at in back.items()}
    assert all(e.codes == ("STALE",) and e.layer == "package" for e in ends) and len(ends) == 10


def test_when_it_is_back_all_is_as_before_but_for_who_moved(stage):
    stage.through(END_S - 1)
    assert stage.words() == ["Running"] * 4 + ["Terminating"] * 2
    assert {a.labels["alertname"] for a in alerts(stage.world, stage.clock.now)} == {"Watchdog", "KubeNodeNotReady"}
    stage.through(END_S + 4)
    assert (stage.condition()["status"], stage.condition()["reason"]) == ("True", "KubeletReady")
    assert stage.condition()["lastTransitionTime"] == (stage.clock.start + timedelta(seconds=END_S)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert "taints" not in stage.node()["spec"]
    assert stage.words() == ["Running"] * 4 and all(ready(pod) for pod in stage.on_it())
    assert sum(one.namespace in NAMESPACES for one in stage.store.all("pods")) == POD_COUNT
    for deployment in stage.store.all("deployments.apps"):
        body = deployment.read()
        assert body["status"]["availableReplicas"] == body["spec"]["replicas"], deployment.key
    assert len(stage.events("NodeReady")) == 1
    assert [a.labels["alertname"] for a in alerts(stage.world, stage.clock.now)] == ["Watchdog"]


def test_a_silence_shorter_than_the_grace_leaves_no_trace(clock):
    stage = Stage(clock, duration_s=30.0)
    names = {pod["metadata"]["name"] for pod in stage.packagers()}
    stage.through(BEGIN_S + 39)
    assert {pod["metadata"]["name"] for pod in stage.packagers()} == names
    assert not stage.events("NodeNotReady") and not stage.events("NodeReady") and not stage.events("TaintManagerEviction")
    assert stage.condition()["lastTransitionTime"] < stage.clock.start.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert stage.world.gone_since("uk-news-1", stage.clock.now) is None


def test_a_clock_that_jumps_over_it_finds_the_pods_moved(clock):
    stage = Stage(clock)
    stage.to(10)
    stage.to(END_S + 5)
    assert stage.words() == ["Running"] * 4 and stage.condition()["status"] == "True"
    assert not any(pod["spec"]["nodeName"] == LOST for pod in stage.packagers())


async def test_a_list_and_a_watch_tell_the_same_of_the_lost_packagers(platform):
    running = await platform("node-lost")
    async with running.watch(f"{LIVE}&watch=true&resourceVersion=0") as stream:
        seen = {}
        for _ in range(4):
            event = await stream.event()
            seen[event["object"]["metadata"]["name"]] = event["object"]
        for second in (19, 30, 60, 88, 90, 91, 92, 93, 94):
            running.to(second)
        listed = {one["metadata"]["name"]: one for one in (await running.get(LIVE))["items"]}
        newest = max(int(one["metadata"]["resourceVersion"]) for one in listed.values())
        while max(int(one["metadata"]["resourceVersion"]) for one in seen.values()) < newest or set(seen) != set(listed):
            event = await stream.event()
            name = event["object"]["metadata"]["name"]
            if event["type"] == "DELETED":
                del seen[name]
            else:
                seen[name] = event["object"]
    assert {name: one["status"] for name, one in seen.items()} == {name: one["status"] for name, one in listed.items()}


@pytest.mark.parametrize(("tolerations", "seconds"), [
    ([], 0.0),
    ([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}], 300.0),
    ([{"operator": "Exists", "effect": "NoExecute"}], None),
    ([{"key": "other", "operator": "Exists", "effect": "NoExecute"}], 0.0),
    ([{"key": UNREACHABLE, "operator": "Exists", "tolerationSeconds": 30}, {"operator": "Exists"}], 30.0),
])  # fmt: skip
def test_the_shortest_toleration_that_fits_is_the_one_that_counts(tolerations, seconds):
    assert tolerated(tolerations) == seconds
