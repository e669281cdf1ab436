"""What follows from a write: controllers, scheduler and kubelets of the embedded cluster, over the world's seconds."""

from __future__ import annotations

import json

import pytest

from console.demo.kubernetes import credentials
from console.demo.world import truth
from console.demo.world.pods import pod_at

TOKENS = credentials.Tokens("r", "w", "n")
LIVE = "/apis/apps/v1/namespaces/live/deployments"
STRATEGIC, MERGE, JSON = (f"application/{kind}-patch+json" for kind in ("strategic-merge", "merge", "json"))
UNIT = 0.5


class Operator:
    """Whoever holds the writing token of a platform."""

    def __init__(self, platform):
        self.platform = platform
        self.at = 0.0

    async def ask(self, method, path, body=None, token="w", kind="application/json", **headers):
        headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, **headers}
        data = json.dumps(body) if body is not None else None
        async with self.platform.client.request(method, path, data=data, headers=headers) as answer:
            return answer.status, await answer.json()

    async def get(self, path, token="w"):
        status, body = await self.ask("GET", path, token=token)
        assert status == 200, body
        return body

    async def patch(self, path, body, kind=MERGE, expect=200, **more):
        status, answer = await self.ask("PATCH", path, body, kind=kind, **more)
        assert status == expect, answer
        return answer

    async def pods(self, app, namespace="live"):
        return (await self.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector=app%3D{app}"))["items"]

    async def evict(self, namespace, name, expect=201, **options):
        body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": namespace}}
        if options:
            body["deleteOptions"] = options
        status, answer = await self.ask("POST", f"/api/v1/namespaces/{namespace}/pods/{name}/eviction", body)
        assert status == expect, answer
        return answer

    async def until(self, check, within=60.0):
        """Moves the world's clock by half seconds; returns how many it took."""
        start = self.at
        while self.at - start < within:
            if await check():
                return self.at - start
            self.on(UNIT)
        raise AssertionError(f"not within {within} s")

    def on(self, seconds):
        self.at += seconds
        self.platform.to(self.at)


@pytest.fixture
def operator(platform):
    async def start(scenario="calm", **settings):
        return Operator(await platform(scenario, tokens=TOKENS.users(), open_=True, **settings))

    return start


def complete(deployment):
    state, wanted = deployment["status"], deployment["spec"]["replicas"]
    return (state["observedGeneration"] == deployment["metadata"]["generation"]
            and all(state.get(key, 0) == wanted for key in ("replicas", "updatedReplicas", "availableReplicas")))


def names(pods):
    return {one["metadata"]["name"] for one in pods}


def leaving(pod):
    return "deletionTimestamp" in pod["metadata"]


RESTART = {"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-22T15:00:00Z"}}}}}


async def test_a_restart_rolls_every_pod_within_surge_and_unavailability(operator):
    hand = await operator()
    before = await hand.pods("origin")
    old = await hand.get(f"{LIVE}/origin")
    answer = await hand.patch(f"{LIVE}/origin", RESTART, STRATEGIC)
    assert answer["metadata"]["generation"] == old["metadata"]["generation"] + 1
    assert answer["status"] == old["status"]
    counts = []

    async def done():
        pods = [one for one in await hand.pods("origin") if not leaving(one)]
        ready = [one for one in pods if any(c["type"] == "Ready" and c["status"] == "True"
                                            for c in one["status"].get("conditions", []))]
        counts.append((len(pods), len(ready)))
        return complete(await hand.get(f"{LIVE}/origin"))

    assert 4 < await hand.until(done) < 60
    assert max(every for every, _ in counts) <= 12 + 3 and min(ready for _, ready in counts) >= 12 - 3
    hand.on(5)
    after = await hand.pods("origin")
    assert len(after) == 12 and not names(after) & names(before)
    assert not {p["metadata"]["uid"] for p in after} & {p["metadata"]["uid"] for p in before}
    sets = (await hand.get("/apis/apps/v1/namespaces/live/replicasets?labelSelector=app%3Dorigin"))["items"]
    revision = "deployment.kubernetes.io/revision"
    newest = max(sets, key=lambda one: int(one["metadata"]["annotations"][revision]))
    assert newest["spec"]["replicas"] == 12
    assert {p["metadata"]["ownerReferences"][0]["uid"] for p in after} == {newest["metadata"]["uid"]}
    assert (await hand.get(f"{LIVE}/origin"))["metadata"]["annotations"][revision] == (
        newest["metadata"]["annotations"][revision])


async def test_an_undo_heals_what_the_scenario_broke_and_the_truth_says_when(operator):
    hand = await operator("bad-deploy")
    world = hand.platform.cluster.world
    hand.on(60)
    sets = (await hand.get("/apis/apps/v1/namespaces/live/replicasets?labelSelector=app%3Dpackager-emea"))["items"]
    good = next(one for one in sets if one["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":3.8.1"))
    template = good["spec"]["template"]
    del template["metadata"]["labels"]["pod-template-hash"]
    deployment = await hand.get(f"{LIVE}/packager-emea")
    await hand.patch(f"{LIVE}/packager-emea", [
        {"op": "test", "path": "/metadata/uid", "value": deployment["metadata"]["uid"]},
        {"op": "test", "path": "/metadata/generation", "value": deployment["metadata"]["generation"]},
        {"op": "replace", "path": "/spec/template", "value": template}], JSON)
    assert world.frozen_since("uk-sport-1", "720p", "origin", hand.platform.clock.now) is not None

    async def healed():
        return complete(await hand.get(f"{LIVE}/packager-emea"))

    took = await hand.until(healed)
    now = hand.platform.clock.now
    assert 3 <= took <= 20
    assert world.frozen_since("uk-sport-1", "720p", "origin", now) is None
    ends = [one for one in truth.events(world, world.start, now) if one.kind == "end"]
    assert len(ends) == 20 and {one.t for one in ends} == {truth.rfc3339(now)}
    kept = names(await hand.pods("packager-emea"))
    generation = (await hand.get(f"{LIVE}/packager-emea"))["metadata"]["generation"]
    found = (await hand.get(f"/apis/apps/v1/namespaces/live/replicasets/{good['metadata']['name']}"))["metadata"]
    assert found["uid"] == good["metadata"]["uid"]
    revision = "deployment.kubernetes.io/revision"
    assert int(found["annotations"][revision]) == int(deployment["metadata"]["annotations"][revision]) + 1
    for _ in range(10):
        hand.on(20)
    assert names(await hand.pods("packager-emea")) == kept
    assert (await hand.get(f"{LIVE}/packager-emea"))["metadata"]["generation"] == generation
    assert len([one for one in truth.events(world, world.start, hand.platform.clock.now) if one.kind == "end"]) == 20


async def test_a_restart_of_the_bad_version_heals_nothing_and_the_scenario_still_does(operator):
    hand = await operator("bad-deploy")
    world = hand.platform.cluster.world
    hand.on(60)
    await hand.patch(f"{LIVE}/packager-emea", RESTART, STRATEGIC)
    hand.on(60)
    assert world.frozen_since("uk-sport-1", "720p", "origin", hand.platform.clock.now) is not None
    hand.on(100)
    assert world.frozen_since("uk-sport-1", "720p", "origin", hand.platform.clock.now) is None
    deployment = await hand.get(f"{LIVE}/packager-emea")
    assert complete(deployment)
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(":3.8.1")


async def test_a_scenario_breaks_a_deployment_that_somebody_restarted_before(operator):
    hand = await operator("bad-deploy")
    await hand.patch(f"{LIVE}/packager-emea", RESTART, STRATEGIC)
    for _ in range(60):
        hand.on(0.5)
    pods = await hand.pods("packager-emea")
    assert {one["spec"]["containers"][0]["image"].rpartition(":")[2] for one in pods} == {"3.8.2"}
    assert not complete(await hand.get(f"{LIVE}/packager-emea"))


async def test_a_paused_deployment_takes_a_template_and_does_not_roll_it_out(operator):
    hand = await operator()
    before = names(await hand.pods("origin"))
    await hand.patch(f"{LIVE}/origin", {"spec": {"paused": True}})
    hand.on(1)
    await hand.patch(f"{LIVE}/origin", RESTART, STRATEGIC)
    for _ in range(20):
        hand.on(1)
    deployment = await hand.get(f"{LIVE}/origin")
    progress = next(c for c in deployment["status"]["conditions"] if c["type"] == "Progressing")
    assert (progress["status"], progress["reason"]) == ("Unknown", "DeploymentPaused")
    assert deployment["status"]["observedGeneration"] == deployment["metadata"]["generation"]
    assert names(await hand.pods("origin")) == before
    await hand.patch(f"{LIVE}/origin", {"spec": {"paused": False}})

    async def rolled():
        found = await hand.get(f"{LIVE}/origin")
        return complete(found) and not names(await hand.pods("origin")) & before

    await hand.until(rolled)
    assert "paused" not in (await hand.get(f"{LIVE}/origin"))["spec"]


async def test_a_scale_makes_and_removes_pods(operator):
    hand = await operator()
    scale = await hand.get(f"{LIVE}/edge-lhr/scale")
    assert scale["spec"]["replicas"] == 16
    scale["spec"]["replicas"] = 18
    status, answer = await hand.ask("PUT", f"{LIVE}/edge-lhr/scale", scale)
    assert (status, answer["spec"]["replicas"], answer["status"]["replicas"]) == (200, 18, 16)
    status, answer = await hand.ask("PUT", f"{LIVE}/edge-lhr/scale", scale)
    assert (status, answer["reason"]) == (409, "Conflict")

    async def at(wanted):
        pods = await hand.pods("edge-lhr")
        return len(pods) == wanted and complete(await hand.get(f"{LIVE}/edge-lhr"))

    old = names(await hand.pods("edge-lhr"))
    await hand.until(lambda: at(18))
    assert names(await hand.pods("edge-lhr")) > old
    await hand.patch(f"{LIVE}/edge-lhr/scale", {"spec": {"replicas": 15}})
    await hand.until(lambda: at(15))
    assert names(await hand.pods("edge-lhr")) < old


async def test_an_autoscaler_takes_a_manual_scale_back(operator):
    hand = await operator()
    path = "/apis/apps/v1/namespaces/vod/deployments/vod-api"
    await hand.patch(f"{path}/scale", {"spec": {"replicas": 30}})

    async def back():
        return (await hand.get(path))["spec"]["replicas"] == 24

    assert 1 <= await hand.until(back) <= 45
    scaler = await hand.get("/apis/autoscaling/v2/namespaces/vod/horizontalpodautoscalers/vod-api")
    assert scaler["status"]["desiredReplicas"] == 24 and scaler["status"]["lastScaleTime"]
    await hand.patch("/apis/autoscaling/v2/namespaces/vod/horizontalpodautoscalers/vod-api",
                     {"spec": {"minReplicas": 28}})

    async def grown():
        return (await hand.get(path))["spec"]["replicas"] == 28

    await hand.until(grown)


async def test_an_eviction_uses_the_budget_up_until_the_replacement_is_ready(operator):
    hand = await operator()
    budget = "/apis/policy/v1/namespaces/live/poddisruptionbudgets/packager-apac"

    async def allowed():
        return (await hand.get(budget))["status"]["disruptionsAllowed"]

    assert await allowed() == 1
    first, second, *_ = sorted(names(await hand.pods("packager-apac")))
    for name in (first, second):
        await hand.evict("live", name, dryRun=["All"])
    await hand.evict("live", first, expect=409, preconditions={"uid": "00000000-0000-4000-8000-000000000000"})
    refused = await hand.evict("live", second, expect=429)
    assert refused["details"]["causes"][0]["reason"] == "DisruptionBudget"
    # The failed precondition has burnt the budget, for as long as the controller believes the pod will go.
    hand.on(125)
    assert await allowed() == 1
    await hand.evict("live", first)
    await hand.evict("live", second, expect=429)
    assert await allowed() == 0

    async def restored():
        return await allowed() == 1

    assert 2 <= await hand.until(restored) <= 15
    assert first not in names(await hand.pods("packager-apac"))
    assert len(await hand.pods("packager-apac")) == 5


async def test_two_budgets_over_a_pod_are_a_500_and_no_budget_left_is_a_429(operator):
    hand = await operator()
    pod = (await hand.pods("drm-license", "platform"))[0]["metadata"]["name"]
    answer = await hand.evict("platform", pod, expect=500)
    assert "more than one PodDisruptionBudget" in answer["message"]
    pod = (await hand.pods("redis", "platform"))[0]
    assert pod["spec"]["volumes"][0]["emptyDir"] == {}
    answer = await hand.evict("platform", pod["metadata"]["name"], expect=429)
    assert answer["details"]["causes"][0]["message"] == "The disruption budget redis needs 6 healthy pods and has 6 currently"


async def test_a_cordoned_node_gets_a_taint_and_no_pod(operator):
    hand = await operator()
    for number in range(1, 9):
        await hand.patch(f"/api/v1/nodes/apac-node-{number:02d}", {"spec": {"unschedulable": True}}, STRATEGIC)
    hand.on(1)
    node = await hand.get("/api/v1/nodes/apac-node-03")
    assert [one["key"] for one in node["spec"]["taints"]] == ["node.kubernetes.io/unschedulable"]
    name = sorted(names(await hand.pods("packager-apac")))[0]
    await hand.evict("live", name)
    for _ in range(20):
        hand.on(0.5)
    waiting = [one for one in await hand.pods("packager-apac") if not one["spec"].get("nodeName")]
    assert len(waiting) == 1 and waiting[0]["status"]["phase"] == "Pending"
    assert waiting[0]["status"]["conditions"][0]["message"] == (
        "0/24 nodes are available: 16 node(s) didn't match Pod's node affinity/selector, 8 node(s) were unschedulable.")
    events = await hand.get("/api/v1/namespaces/live/events?fieldSelector=reason%3DFailedScheduling")
    assert events["items"][0]["involvedObject"]["name"] == waiting[0]["metadata"]["name"]
    # Nothing protects what does not run.
    await hand.evict("live", waiting[0]["metadata"]["name"])
    hand.on(200)
    on_cordoned = {one["metadata"]["name"] for one in (await hand.get("/api/v1/pods"))["items"]
                   if one["spec"].get("nodeName", "").startswith("apac")
                   and one["metadata"]["creationTimestamp"] > hand.platform.clock.start.strftime("%Y-%m-%dT%H:%M:%SZ")}
    assert on_cordoned == set()
    await hand.patch("/api/v1/nodes/apac-node-05", {"spec": {"unschedulable": None}})
    hand.on(1)
    assert "taints" not in (await hand.get("/api/v1/nodes/apac-node-05"))["spec"]

    async def placed():
        return complete(await hand.get(f"{LIVE}/packager-apac"))

    await hand.until(placed)
    assert {one["spec"]["nodeName"] for one in await hand.pods("packager-apac")} == {"apac-node-03", "apac-node-05"}


async def test_daemons_and_mirrors_come_back_where_they_were_and_a_bare_pod_does_not(operator):
    hand = await operator()
    on = "/api/v1/pods?fieldSelector=spec.nodeName%3Dapac-node-03"
    pods = (await hand.get(on))["items"]
    kinds = {(one["metadata"].get("ownerReferences") or [{"kind": None}])[0]["kind"]: one["metadata"] for one in pods}
    assert set(kinds) == {"ReplicaSet", "DaemonSet", "Node", None}
    assert "kubernetes.io/config.mirror" in kinds["Node"]["annotations"]
    gone = [kinds["DaemonSet"], kinds["Node"], kinds[None]]
    for meta in gone:
        status, _ = await hand.ask("DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}")
        assert status == 200
    for _ in range(20):
        hand.on(0.5)
    after = {one["metadata"]["uid"] for one in (await hand.get(on))["items"]}
    assert not after & {meta["uid"] for meta in gone} and len(after) == len(pods) - 1


async def test_a_dry_run_changes_nothing_at_all(operator):
    hand = await operator()
    before = await hand.get(f"{LIVE}/origin")
    answer = await hand.patch(f"{LIVE}/origin?dryRun=All&fieldManager=midwatch", RESTART, STRATEGIC)
    assert answer["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    assert answer["metadata"]["generation"] == before["metadata"]["generation"] + 1
    assert answer["metadata"]["managedFields"][-1]["manager"] == "midwatch"
    assert answer["spec"]["template"]["metadata"]["annotations"]
    hand.on(5)
    assert await hand.get(f"{LIVE}/origin") == before


async def test_an_image_that_is_not_there_stops_a_rollout_with_the_old_pods_serving(operator):
    hand = await operator()
    image = "registry.midwatch.test/video/origin:9.9.9"
    await hand.patch(f"{LIVE}/origin", {"spec": {"progressDeadlineSeconds": 20, "template": {"spec": {"containers": [
        {"name": "origin", "image": image}]}}}}, STRATEGIC)

    async def given_up():
        conditions = (await hand.get(f"{LIVE}/origin"))["status"]["conditions"]
        return any(c["reason"] == "ProgressDeadlineExceeded" for c in conditions)

    await hand.until(given_up)
    deployment = await hand.get(f"{LIVE}/origin")
    assert deployment["status"]["availableReplicas"] >= 9 and not complete(deployment)
    waiting = {one["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] for one in await hand.pods("origin")
               if one["spec"]["containers"][0]["image"] == image}
    assert waiting == {"ImagePullBackOff"}


async def test_who_may_write_impersonate_or_only_read(operator):
    hand = await operator()
    status, answer = await hand.ask("PATCH", f"{LIVE}/origin", {}, token="r", kind=MERGE)
    assert (status, answer["reason"]) == (403, "Forbidden")
    assert 'User "system:serviceaccount:platform:midwatch-reader" cannot patch resource "deployments"' in answer["message"]
    status, answer = await hand.ask("GET", "/api/v1/nodes", token="n", **{"Impersonate-User": "ada"})
    assert (status, answer["message"]) == (403, (
        'users "ada" is forbidden: User "system:serviceaccount:platform:midwatch-narrow" cannot impersonate resource '
        '"users" in API group "" at the cluster scope'))
    for name, groups, expected in (("mallory", {}, 403), ("ada", {}, 200),
                                   ("mallory", {"Impersonate-Group": "video-oncall"}, 200)):
        status, answer = await hand.ask("PATCH", f"{LIVE}/origin?dryRun=All", {}, kind=MERGE,
                                        **{"Impersonate-User": name}, **groups)
        assert status == expected, answer
    review = {"kind": "SubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {
        "user": "mallory", "groups": ["video-oncall"],
        "resourceAttributes": {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "live"}}}
    for groups, allowed in (["video-oncall"], True), (["system:authenticated"], False):
        review["spec"]["groups"] = groups
        status, answer = await hand.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
        assert (status, answer["status"]["allowed"]) == (201, allowed)
    assert (await hand.get("/api/v1/namespaces/kube-system"))["metadata"]["uid"]


async def test_a_server_of_1_20_evicts_and_scales_by_the_older_groups(operator):
    hand = await operator(kube_version="1.20")
    pod = sorted(names(await hand.pods("origin")))[0]
    path = f"/api/v1/namespaces/live/pods/{pod}/eviction"
    for version, expected in (("policy/v1", 400), ("policy/v1beta1", 201)):
        status, answer = await hand.ask("POST", path, {
            "apiVersion": version, "kind": "Eviction", "metadata": {"name": pod, "namespace": "live"}})
        assert status == expected, answer
    budget = await hand.get("/apis/policy/v1beta1/namespaces/live/poddisruptionbudgets/origin")
    assert budget["status"]["disruptionsAllowed"] == 0 and "conditions" not in budget["status"]
    status, _ = await hand.ask("GET", "/apis/policy/v1/namespaces/live/poddisruptionbudgets/origin")
    assert status == 404
    scaler = await hand.get("/apis/autoscaling/v1/namespaces/vod/horizontalpodautoscalers/vod-api")
    assert scaler["spec"]["targetCPUUtilizationPercentage"] == 70
    assert "metrics" not in scaler["spec"] and "conditions" not in scaler["status"]
    await hand.patch("/apis/autoscaling/v1/namespaces/vod/horizontalpodautoscalers/vod-api",
                     {"spec": {"maxReplicas": 40}})
    scaler = await hand.get("/apis/autoscaling/v2beta2/namespaces/vod/horizontalpodautoscalers/vod-api")
    assert scaler["spec"]["maxReplicas"] == 40 and scaler["spec"]["metrics"][0]["resource"]["name"] == "cpu"
    assert scaler["spec"]["behavior"]


async def test_a_deployment_made_by_hand_runs_and_goes_with_its_pods(operator):
    hand = await operator()
    template = {"metadata": {"labels": {"app": "hello"}},
                "spec": {"containers": [{"name": "hello", "image": "hello:1"}]}}
    made = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "hello"}, "spec": {
        "replicas": 3, "selector": {"matchLabels": {"app": "hello"}}, "template": template}}
    status, answer = await hand.ask("POST", "/apis/apps/v1/namespaces/default/deployments", made)
    assert (status, answer["metadata"]["generation"]) == (201, 1)
    path = "/apis/apps/v1/namespaces/default/deployments/hello"

    async def up():
        return "observedGeneration" in (found := await hand.get(path))["status"] and complete(found)

    await hand.until(up)
    status, _ = await hand.ask("DELETE", path)
    assert status == 200

    async def gone():
        return not await hand.pods("hello", "default")

    await hand.until(gone)
    sets = await hand.get("/apis/apps/v1/namespaces/default/replicasets")
    assert sets["items"] == []


async def test_old_revisions_beyond_the_limit_are_forgotten(operator):
    hand = await operator()
    path = "/apis/apps/v1/namespaces/platform/deployments/config-api"
    await hand.patch(path, {"spec": {"revisionHistoryLimit": 2}})

    async def done():
        return complete(await hand.get(path))

    for number in range(4):
        await hand.patch(path, {"spec": {"template": {"metadata": {"annotations": {"turn": str(number)}}}}})
        hand.on(1)
        await hand.until(done)
    hand.on(5)
    sets = (await hand.get("/apis/apps/v1/namespaces/platform/replicasets?labelSelector=app%3Dconfig-api"))["items"]
    assert sorted(one["spec"]["replicas"] for one in sets) == [0, 0, 2]
    assert {one["spec"]["template"]["metadata"]["annotations"]["turn"] for one in sets} == {"1", "2", "3"}


async def test_a_deleted_pod_is_replaced_in_its_place_and_the_log_lines_follow(operator):
    hand = await operator()
    old = next(one for one in await hand.pods("packager-apac") if one["metadata"]["labels"]["channel"] == "jp-music-1")
    meta = old["metadata"]
    path = f"/api/v1/namespaces/live/pods/{meta['name']}"
    for body, expected in (({"preconditions": {"uid": "other"}}, 409), ({"preconditions": {"uid": meta["uid"]}}, 200)):
        status, _ = await hand.ask("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", **body})
        assert status == expected

    async def replaced():
        return complete(await hand.get(f"{LIVE}/packager-apac")) and len(await hand.pods("packager-apac")) == 5

    hand.on(1)
    await hand.until(replaced)
    new = next(one for one in await hand.pods("packager-apac") if one["metadata"]["labels"]["channel"] == "jp-music-1")
    assert new["metadata"]["uid"] != meta["uid"]
    assert pod_at(hand.platform.cluster.world, "packager-apac", 1, hand.platform.clock.now) == new["metadata"]["name"]


async def test_what_nobody_wrote_to_is_left_to_the_story(operator):
    hand = await operator("bad-deploy")
    estate = hand.platform.cluster.controllers.estate
    for path in (f"{LIVE}/origin", f"{LIVE}/packager-emea"):
        await hand.patch(f"{path}?dryRun=All", RESTART, STRATEGIC)
    await hand.patch(f"{LIVE}/origin", [{"op": "test", "path": "/metadata/uid", "value": "x"}], JSON, expect=422)
    hand.on(120)
    assert not estate.adopted


async def test_a_clock_that_jumps_finds_the_rollout_at_its_end(operator):
    hand = await operator()
    await hand.patch(f"{LIVE}/origin", RESTART, STRATEGIC)
    hand.on(300)
    assert complete(await hand.get(f"{LIVE}/origin"))
    assert len(await hand.pods("origin")) == 12


async def test_a_misspelt_field_is_dropped_with_a_warning_or_refused_when_asked_to(operator):
    hand = await operator()
    before = await hand.get(f"{LIVE}/origin")
    headers = {"Authorization": "Bearer w", "Content-Type": MERGE}
    async with hand.platform.client.patch(f"{LIVE}/origin", data='{"spec":{"replica":3}}', headers=headers) as answer:
        assert (answer.status, answer.headers["Warning"]) == (200, '299 - "unknown field \\"spec.replica\\""')
        assert (await answer.json())["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]
    answer = await hand.patch(f"{LIVE}/origin?fieldValidation=Strict", {"spec": {"replica": 3}}, expect=400)
    assert 'strict decoding error: unknown field "spec.replica"' in answer["message"]


BAD_PATCHES = (
    ("application/json", {}, 415), ("application/apply-patch+yaml", {}, 415), (MERGE, [], 400), (JSON, {}, 400),
    (MERGE, {"spec": {"replicas": "three"}}, 400), (MERGE, {"spec": None}, 422), (MERGE, {"metadata": {"name": "x"}}, 400),
    (MERGE, {"spec": {"selector": {"matchLabels": {"app": "x"}}}}, 422), (JSON, [{"op": "remove", "path": "/metadata"}], 400),
    (STRATEGIC, {"spec": {"template": {"spec": {"containers": [{"name": "origin", "image": ""}]}}}}, 422),
    (MERGE, {"spec": {"template": None}}, 422), (MERGE, {"spec": {"template": {"spec": {"containers": "x"}}}}, 400),
    (MERGE, {"spec": {"strategy": "x"}}, 400), (MERGE, {"spec": {"template": {"spec": {"containers": [3]}}}}, 400),
)


async def test_a_bad_patch_is_refused_and_changes_nothing(operator):
    hand = await operator()
    before = hand.platform.store.revision
    for kind, body, status in BAD_PATCHES:
        answer = await hand.patch(f"{LIVE}/origin", body, kind, expect=status)
        assert answer["kind"] == "Status" and answer["message"]
    assert hand.platform.store.revision == before


async def test_a_drain_moves_everything_but_what_belongs_to_the_node(operator):
    hand = await operator()
    on = "/api/v1/pods?fieldSelector=spec.nodeName%3Dapac-node-03"
    await hand.patch("/api/v1/nodes/apac-node-03", {"spec": {"unschedulable": True}}, STRATEGIC)
    budget = "/apis/policy/v1/namespaces/live/poddisruptionbudgets/packager-apac"
    blocked, healthy = 0, []

    async def empty():
        nonlocal blocked
        moving = []
        for pod in (await hand.get(on))["items"]:
            owners = pod["metadata"].get("ownerReferences") or [{"kind": None}]
            if owners[0]["kind"] == "ReplicaSet":
                moving.append(pod)
        for pod in moving:
            if not leaving(pod):
                meta = pod["metadata"]
                status, _ = await hand.ask("POST", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/eviction", {
                    "apiVersion": "policy/v1", "kind": "Eviction",
                    "metadata": {"name": meta["name"], "namespace": meta["namespace"]}})
                assert status in (201, 429)
                blocked += status == 429
        healthy.append((await hand.get(budget))["status"]["currentHealthy"])
        return not moving

    await hand.until(empty, within=120)
    assert blocked and min(healthy) == 4
    left = {(one["metadata"].get("ownerReferences") or [{"kind": "bare"}])[0]["kind"]
            for one in (await hand.get(on))["items"]}
    assert left == {"DaemonSet", "Node", "bare"}
    hand.on(20)
    assert {one["spec"]["nodeName"] for one in await hand.pods("packager-apac")} & {"apac-node-03"} == set()
    assert complete(await hand.get(f"{LIVE}/packager-apac"))
