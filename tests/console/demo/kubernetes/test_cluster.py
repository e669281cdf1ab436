"""The cluster as its API shows it while the world's scenario runs."""

from __future__ import annotations

from datetime import timedelta

import pytest

from console.demo.kubernetes.cluster import Cluster
from console.demo.kubernetes.printing import pod_state
from console.demo.kubernetes.selectors import Selection, field_selector, label_selector
from console.demo.kubernetes.store import Store
from console.demo.world.names import DEPLOYMENTS, NAMESPACES, NODES, POD_COUNT, REGIONS, pod_name
from console.demo.world.pods import pod_at
from console.demo.world.scenario import KINDS
from console.demo.world.world import World

START_AFTER_S, DURATION_S = 20.0, 180.0
EMEA = Selection("live", label_selector("app=packager-emea"))


class Stage:
    def __init__(self, clock, scenario):
        self.clock = clock
        self.world = World(1, scenario, clock())
        self.store = Store(clock)
        self.cluster = Cluster(self.store, self.world, 31)
        self.cluster.populate(clock())

    def to(self, seconds):
        self.cluster.evolve(self.clock.to(seconds))

    def through(self, seconds):
        """Tick by tick until then, in longer steps where no rollout is under way."""
        at = (self.clock.now - self.clock.start).total_seconds()
        while at < seconds:
            busy = min(abs(at - START_AFTER_S), abs(at - START_AFTER_S - DURATION_S)) < 9
            at = min(at + (0.5 if busy else 4.0), seconds)
            self.to(at)

    def pods(self):
        """Those of the platform: what else runs on the nodes stands in other namespaces."""
        return [one for one in self.store.all("pods") if one.namespace in NAMESPACES]

    def packagers(self):
        return [one.read() for one in self.store.all("pods", EMEA)]

    def words(self):
        return {pod_state(one, self.clock.now, 31)[1] for one in self.packagers()}

    def deployment(self):
        return self.store.get("deployments.apps", "live", "packager-emea").read()

    def replicasets(self):
        found = [one.read() for one in self.store.all("replicasets.apps", EMEA)]
        return {rs["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]: rs for rs in found}

    def condition(self, type_):
        return next(c for c in self.deployment()["status"]["conditions"] if c["type"] == type_)

    def events(self, kind, reason):
        by = Selection(None, (), field_selector(f"involvedObject.kind={kind},reason={reason}", "events", "Event"))
        return [one.read() for one in self.store.all("events", by)]


@pytest.fixture
def calm(clock):
    return Stage(clock, "calm")


@pytest.fixture
def bad(clock):
    return Stage(clock, "bad-deploy")


def image(deployment):
    return deployment["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]


def test_there_are_24_nodes_and_exactly_400_pods_with_their_owners(calm):
    assert len(calm.store.all("nodes")) == len(NODES) == 24
    pods = [one.read() for one in calm.pods()]
    assert len(pods) == POD_COUNT == 400
    uids = {one.read()["metadata"]["uid"] for one in calm.store.all("replicasets.apps")}
    nodes = {one.name for one in calm.store.all("nodes")}
    for pod in pods:
        labels = pod["metadata"]["labels"]
        assert labels["app"] and labels["topology.kubernetes.io/region"] in REGIONS
        assert pod["metadata"]["ownerReferences"][0]["uid"] in uids
        assert pod["spec"]["nodeName"] in nodes
        assert pod["spec"]["nodeName"].startswith(labels["topology.kubernetes.io/region"])
    assert {one.name for one in calm.store.all("deployments.apps")} == {d.name for d in DEPLOYMENTS}


def test_pods_bear_the_names_that_the_log_lines_use(calm):
    names = {one.name for one in calm.store.all("pods")}
    for deployment in DEPLOYMENTS:
        for index in range(deployment.replicas):
            assert pod_at(calm.world, deployment.name, index, calm.clock.now) in names
    assert pod_name(1, "packager-emea", "3.8.1", 0) in names


def test_all_packagers_of_apac_stand_on_one_node(calm):
    by = Selection("live", label_selector("app=packager-apac"))
    assert {one.fields["spec.nodeName"] for one in calm.store.all("pods", by)} == {"apac-node-03"}


def test_packagers_say_which_channel_they_serve(calm):
    channels = {pod["metadata"]["labels"]["channel"] for pod in calm.packagers()}
    assert channels == {"uk-sport-1", "uk-news-1", "fr-news-1", "de-cine-1"}


def test_two_clusters_of_the_same_world_are_the_same(clock):
    one, other = Stage(clock, "bad-deploy"), Stage(clock, "bad-deploy")
    one.through(90)
    other.to(90)
    for shelf in ("pods", "nodes", "replicasets.apps"):
        def content(stage, shelf=shelf):
            return {s.key: {**s.read()["metadata"], "resourceVersion": "", "status": s.read()["status"]}
                    for s in stage.store.all(shelf)}

        assert content(one) == content(other)


def test_calm_is_a_trickle_and_never_another_number_of_pods(calm):
    since = calm.store.revision
    pods = calm.store.watch("pods", Selection(), since)
    nodes = calm.store.watch("nodes", Selection(), since)
    replaced = 0
    for tick in range(1, 201):
        calm.to(tick)
        assert len(calm.pods()) == POD_COUNT
        events = pods.take()
        assert len(events) <= 4
        replaced += sum(type_ == "DELETED" for type_, _ in events)
        assert all(one.name.startswith("vod-encoder-") for _, one in events)
    assert replaced == 2
    beats = nodes.take()
    assert {type_ for type_, _ in beats} == {"MODIFIED"}
    assert 24 * 2 <= len(beats) <= 24 * 4


def test_a_replaced_encoder_is_told_in_events(calm):
    reasons = {reason for reason in ("Killing", "Scheduled", "Pulled", "Created", "Started")
               if calm.events("Pod", reason)}
    assert reasons == {"Killing", "Scheduled", "Pulled", "Created", "Started"}
    assert len(calm.events("ReplicaSet", "SuccessfulCreate")) == 40
    scheduled = calm.events("Pod", "Scheduled")[0]
    assert scheduled["lastTimestamp"] is None and "count" not in scheduled
    assert scheduled["eventTime"].endswith("Z") and len(scheduled["eventTime"]) == 27


def test_events_are_forgotten_after_an_hour(calm):
    before = len(calm.store.all("events"))
    calm.to(3600 * 5)
    calm.to(3600 * 5 + 1)
    oldest = min(one.read()["metadata"]["creationTimestamp"] for one in calm.store.all("events"))
    assert len(calm.store.all("events")) <= before * 1.2
    assert oldest >= (calm.clock.now - timedelta(seconds=3601)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_generation_rises_before_the_controller_has_seen_it(bad):
    before = bad.deployment()
    bad.to(START_AFTER_S + 0.1)
    after = bad.deployment()
    assert (image(before), image(after)) == ("3.8.1", "3.8.2")
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert after["status"] == before["status"]
    assert "3.8.2" in after["metadata"]["annotations"]["kubernetes.io/change-cause"]


def test_the_old_pods_go_and_the_new_ones_crash_loop(bad):
    old = {pod["metadata"]["name"] for pod in bad.packagers()}
    bad.to(START_AFTER_S + 1)
    assert bad.words() == {"Terminating"}
    bad.to(START_AFTER_S + 2.1)
    new = {pod["metadata"]["name"] for pod in bad.packagers()}
    assert bad.words() == {"ContainerCreating"} and len(new) == 4 and not new & old
    bad.to(START_AFTER_S + 5)
    assert bad.words() == {"Running"}
    restarts = 0
    seen = set()
    for second in (*range(5, 30), *range(30, int(DURATION_S), 5)):
        bad.to(START_AFTER_S + second)
        seen |= bad.words()
        count = bad.packagers()[0]["status"]["containerStatuses"][0]["restartCount"]
        assert count >= restarts
        restarts = count
        assert not any(pod["status"]["containerStatuses"][0]["ready"] for pod in bad.packagers())
    assert seen == {"Running", "Error", "CrashLoopBackOff"} and restarts == 5
    (last,) = {pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] for pod in bad.packagers()}
    assert last == 1
    assert {pod_at(bad.world, "packager-emea", n, bad.clock.now) for n in range(4)} == new


def test_the_rollout_shows_in_revision_replicas_conditions_and_events(bad):
    first = int(bad.deployment()["metadata"]["annotations"]["deployment.kubernetes.io/revision"])
    bad.through(START_AFTER_S + 130)
    deployment, sets = bad.deployment(), bad.replicasets()
    assert deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]
    assert deployment["status"]["updatedReplicas"] == deployment["status"]["unavailableReplicas"] == 4
    assert "availableReplicas" not in deployment["status"]
    assert [sets[v]["spec"]["replicas"] for v in ("3.8.0", "3.8.1", "3.8.2")] == [0, 0, 4]
    assert sets["3.8.2"]["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == str(first + 1)
    assert bad.condition("Available")["reason"] == "MinimumReplicasUnavailable"
    assert (bad.condition("Progressing")["status"], bad.condition("Progressing")["reason"]) == (
        "False", "ProgressDeadlineExceeded")
    scaled = [event["message"] for event in bad.events("Deployment", "ScalingReplicaSet")]
    assert len(scaled) == 2 and any("Scaled down" in m for m in scaled) and any("to 4" in m for m in scaled)
    backoff = bad.events("Pod", "BackOff")
    assert len(backoff) == 4 and all(e["type"] == "Warning" and e["count"] > 5 for e in backoff)


def test_the_conditions_pass_through_the_words_of_a_rollout(bad):
    opened = bad.store.watch("deployments.apps", Selection("live"), bad.store.revision)
    bad.through(START_AFTER_S + DURATION_S + 20)
    reasons = []
    for _, stored in opened.take():
        body = stored.read()
        if body["metadata"]["name"] == "packager-emea":
            reason = next(c["reason"] for c in body["status"]["conditions"] if c["type"] == "Progressing")
            if reasons[-1:] != [reason]:
                reasons.append(reason)
    assert reasons == ["NewReplicaSetAvailable", "NewReplicaSetCreated", "ReplicaSetUpdated",
                       "ProgressDeadlineExceeded", "FoundNewReplicaSet", "ReplicaSetUpdated", "NewReplicaSetAvailable"]


def test_healing_is_a_rollback_that_reuses_the_old_replicaset_under_a_new_revision(bad):
    old = bad.replicasets()["3.8.1"]["metadata"]
    bad.through(START_AFTER_S + DURATION_S + 20)
    sets, deployment = bad.replicasets(), bad.deployment()
    new = sets["3.8.1"]["metadata"]
    revision, history = (f"deployment.kubernetes.io/{word}" for word in ("revision", "revision-history"))
    assert new["uid"] == old["uid"]
    assert int(new["annotations"][revision]) == int(old["annotations"][revision]) + 2
    assert new["annotations"][history] == old["annotations"][revision]
    assert image(deployment) == "3.8.1" and deployment["status"]["availableReplicas"] == 4
    assert bad.words() == {"Running"}
    assert {pod_at(bad.world, "packager-emea", n, bad.clock.now) for n in range(4)} == {
        pod["metadata"]["name"] for pod in bad.packagers()}
    assert pod_name(1, "packager-emea", "3.8.1", 0) not in {pod["metadata"]["name"] for pod in bad.packagers()}
    assert [sets[v]["spec"]["replicas"] for v in ("3.8.1", "3.8.2")] == [4, 0]


def test_a_cycling_world_rolls_out_and_back(clock):
    stage = Stage(clock, "cycle")
    stage.to(20 + 240 + 60)
    assert image(stage.deployment()) == "3.8.2" and len(stage.pods()) == POD_COUNT
    stage.to(20 + 240 + 180 + 30)
    assert image(stage.deployment()) == "3.8.1" and stage.words() == {"Running"}


@pytest.mark.slow
def test_a_cycling_world_rolls_out_and_loses_its_node_again_and_again(clock):
    """From the first lost node on the deployments are their controllers'; the story goes on by writing to them."""
    stage, period = Stage(clock, "cycle"), 8 * (DURATION_S + 60.0)

    def stride(seconds):
        while (at := (clock.now - clock.start).total_seconds()) < seconds:
            stage.to(min(at + 12.0, seconds))

    def standing():
        return [one for one in stage.pods() if "deletionTimestamp" not in one.read()["metadata"]]

    lost = KINDS["node-lost"].node
    for turn in range(2):
        at = turn * period + START_AFTER_S
        stride(at + 240 + 60)
        assert image(stage.deployment()) == "3.8.2" and len(standing()) == POD_COUNT
        stride(at + 240 + 180 + 30)
        assert image(stage.deployment()) == "3.8.1" and stage.words() == {"Running"}
        here = [pod for pod in stage.packagers() if pod["spec"]["nodeName"] == lost]
        assert len(here) == 2
        stride(at + 5 * 240 + 100)
        assert not any(pod["spec"]["nodeName"] == lost and "deletionTimestamp" not in pod["metadata"]
                       for pod in stage.packagers())
    history = stage.replicasets()["3.8.1"]["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"]
    assert len(history.split(",")) == 2


def test_setting_the_start_anew_disturbs_nothing_that_stands(clock):
    stage = Stage(clock, "bad-deploy")
    stage.world.start = clock.to(1.5)
    before = {one.key for one in stage.store.all("pods") if not one.name.startswith("vod-encoder")}
    stage.cluster.evolve(clock.now)
    assert before == {one.key for one in stage.store.all("pods") if not one.name.startswith("vod-encoder")}


def test_it_holds_20_000_pods(clock):
    world, store = World(1, "calm", clock()), Store(clock)
    Cluster(store, world, 31).populate(clock(), extra_pods=19_600)
    assert sum(one.namespace in NAMESPACES for one in store.all("pods")) == 20_000
