"""Writes as a real server answered them, replayed against ours: patches, conflicts, dry runs, evictions, leases, scale."""

from __future__ import annotations

import copy

import pytest

from console.demo.kubernetes.access import User

FREE = ("uid", "creationTimestamp", "deletionTimestamp", "time")
OPAQUE = ("resourceVersion", "uid")


class Writes:
    """A replay that also translates the versions and uids inside bodies, which ours draws anew."""

    def __init__(self, replay, recorded, name, **settings):
        self.replay, self.steps, self.settings, self.name = replay, recorded(name), settings, name
        self.compares_fields = True
        """False where a controller of the recorded cluster wrote in between."""

    async def begin(self, *loaded):
        self.server = await self.replay(**self.settings)
        self.load(*loaded)
        return self

    @property
    def store(self):
        return self.server.store

    def load(self, *bodies):
        for body in bodies:
            for item in body.get("items", [body]):
                head = {"kind": body["kind"].removesuffix("List"), "apiVersion": body["apiVersion"]}
                stored = self.store.apply({**head, **copy.deepcopy(item)})
                self.server.known[item["metadata"]["resourceVersion"]] = stored["metadata"]["resourceVersion"]

    def swap(self, value, key=""):
        if isinstance(value, dict):
            if value.get("path") == "/metadata/resourceVersion":
                return {**value, "value": self.server.known.get(value["value"], value["value"])}
            return {k: self.swap(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [self.swap(one) for one in value]
        return self.server.known.get(value, value) if key in OPAQUE and isinstance(value, str) else value

    async def step(self, number, free=(), body=True):
        """Sends and compares one exchange; returns our body."""
        exchange = copy.deepcopy(self.steps[number])
        # The manager of a field is named after the client, unless the query names it.
        exchange["request"]["headers"]["User-Agent"] = "vector-recorder/1"
        if isinstance(exchange["request"]["body"], (dict, list)):
            exchange["request"]["body"] = self.swap(exchange["request"]["body"])
        elif isinstance(exchange["request"]["body"], str):
            return await self._raw(exchange)
        if not body:
            answer = await self.server.send(exchange)
            ours = await answer.json()
            assert answer.status == exchange["response"]["status"], ours
            self.learn(exchange["response"]["body"], ours)
            return ours
        wanted = copy.deepcopy(exchange["response"]["body"])
        # Whose entry comes first is decided by the time of the write, which is not that of the recording.
        free = (*FREE, *free, "managedFields")
        ours = await self.server.compare(exchange, anything=free)
        if self.compares_fields and "managedFields" in wanted.get("metadata", {}):
            one, other = ({entry["manager"]: entry["fieldsV1"] for entry in body["metadata"]["managedFields"]}
                          for body in (wanted, ours))
            assert one == other, exchange["request"]
        self.learn(wanted, ours)
        return ours

    async def _raw(self, exchange):
        """A body that is no JSON is sent as it was."""
        request = exchange["request"]
        headers = {**request["headers"], "Authorization": "Bearer admin"}
        async with self.server.client.request(request["method"], request["path"], data=request["body"].encode(),
                                              headers=headers) as answer:
            ours = await answer.json()
        recorded = exchange["response"]
        assert (answer.status, ours) == (recorded["status"], recorded["body"])
        return ours

    def learn(self, recorded, ours):
        self.server.learn(recorded, ours)
        one, other = recorded.get("metadata", {}), ours.get("metadata", {})
        if "uid" in one and "uid" in other:
            self.server.known[one["uid"]] = other["uid"]

    def known_uid(self, uid):
        """What the store gives to the next object, so that messages that name it agree."""
        self.store._uid = lambda *_: uid


@pytest.fixture
def writes(replay, recorded):
    async def start(name, *loaded, **settings):
        return await Writes(replay, recorded, name, **settings).begin(*loaded)

    return start


def body(steps, number):
    return copy.deepcopy(steps[number]["response"]["body"])


async def test_updates_conflict_as_recorded(writes, recorded):
    steps = recorded("conflict-put-409")
    server = await writes("conflict-put-409")
    server.known_uid(body(steps, 4)["metadata"]["uid"])
    # The recorder kept one dictionary for several requests: the data of the first answers is not that of their time.
    for number in range(11):
        await server.step(number, body=number not in (0, 2))


async def test_patches_conflict_and_change_as_recorded(writes, recorded):
    server = await writes("merge-patch-stale-409", body(recorded("merge-patch-stale-409"), 0))
    for number in range(8):
        before = server.store.revision
        ours = await server.step(number)
        if number == 4:
            assert server.store.revision == before and int(ours["metadata"]["resourceVersion"]) == before


async def test_a_json_patch_tests_before_it_changes_as_recorded(writes, recorded):
    server = await writes("json-patch-test-fails", body(recorded("merge-patch-stale-409"), 7))
    for number in range(8):
        await server.step(number)


async def test_a_dry_run_answers_as_recorded_and_leaves_everything(writes, recorded):
    steps = recorded("dry-run")
    config = {"kind": "ConfigMap", "apiVersion": "v1", "data": {"v": "1"},
              "metadata": {"name": "opt", "namespace": "misc", **body(steps, 5)["details"], "resourceVersion": "1"}}
    del config["metadata"]["kind"]
    server = await writes("dry-run", body(steps, 0), config)
    before = server.store.revision
    for number in range(7):
        await server.step(number)
    assert server.store.revision == before


async def test_deletions_obey_preconditions_as_recorded(writes, recorded):
    steps = recorded("delete-preconditions")
    unbound = body(steps, 9)
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        del unbound["metadata"][key]
    config = {"kind": "ConfigMap", "apiVersion": "v1", "data": {}, "metadata": {
        "name": "opt", "namespace": "misc", "uid": body(steps, 8)["details"]["uid"], "resourceVersion": "2"}}
    server = await writes("delete-preconditions", body(steps, 0), unbound, config)
    for number in range(11):
        await server.step(number)


async def test_leases_are_taken_and_fenced_as_recorded(writes):
    server = await writes("lease")
    for number in range(12):
        await server.step(number)
    refused = await server.step(12, body=False)
    assert refused["reason"] == "BadRequest" and "parsing time" in refused["message"]


async def test_an_eviction_is_allowed_as_recorded(writes, recorded):
    server = await writes("eviction-allowed", body(recorded("eviction-allowed"), 2))
    for number in range(8):
        await server.step(number)
    # What a controller put on the pod meanwhile is the recorder's own.
    ours = await server.step(8, body=False)
    assert ours["metadata"]["deletionGracePeriodSeconds"] == 7
    await server.step(9)


async def test_a_budget_blocks_an_eviction_as_recorded(writes, recorded):
    steps = recorded("eviction-blocked-pdb-429")
    pod = body(recorded("eviction-allowed"), 2)
    pods = []
    for name in ("db-f8fc68f64-bmlpc", "db-f8fc68f64-z9p7n"):
        pods.append(copy.deepcopy(pod))
        pods[-1]["metadata"] |= {"name": name, "uid": name}
    server = await writes("eviction-blocked-pdb-429", body(steps, 0), *pods,
                          tokens={"admin": User("admin", "admin"), "viewer": User("viewer", "view")})
    server.compares_fields = False
    for number in range(4):
        await server.step(number)
    changed = body(steps, 5)
    changed["status"] = {**body(steps, 0)["items"][0]["status"]}
    server.load(changed)
    await server.step(4)
    server.load(body(steps, 5))
    for number in range(5, 11):
        await server.step(number, free=("db-f8fc68f64-bmlpc",))


async def test_two_budgets_are_a_500_as_recorded(writes, recorded):
    pod = body(recorded("eviction-allowed"), 2)
    steps = recorded("eviction-two-pdbs-500")
    pod["metadata"]["name"] = steps[0]["request"]["path"].split("/")[-2]
    server = await writes("eviction-two-pdbs-500", body(steps, 1), pod)
    await server.step(0)
    await server.step(1)


async def test_a_cordon_is_answered_as_recorded(writes, recorded):
    steps = recorded("node-cordon")
    server = await writes("node-cordon", body(steps, 0))
    await server.step(1)
    server.load(body(steps, 2))
    for number in range(2, 6):
        await server.step(number)
    await server.step(6)
    server.load(body(steps, 7))
    await server.step(7)
    await server.step(8)


@pytest.mark.parametrize("number", [0, 3, 4, 5, 6, 7, 8, 10])
async def test_bad_writes_are_refused_as_recorded(writes, number):
    server = await writes("error-422-and-400")
    await server.step(number)


@pytest.mark.parametrize("number", [2])
async def test_a_value_of_the_wrong_type_is_a_400(writes, number):
    server = await writes("error-422-and-400")
    ours = await server.step(number, body=False)
    assert "cannot be handled as a ConfigMap" in ours["message"]


async def test_what_a_pod_may_not_change_is_a_422_with_the_recorded_cause(writes, recorded):
    server = await writes("error-422-and-400", body(recorded("list-pods-plain"), 0))
    one = server.store.all("pods")[0]
    step = copy.deepcopy(server.steps[1])
    step["request"]["path"] = f"/api/v1/namespaces/{one.namespace}/pods/{one.name}"
    answer = await server.server.send(step)
    ours, wanted = await answer.json(), step["response"]["body"]
    assert answer.status == 422 and ours["details"]["causes"][0]["field"] == "spec"
    assert ours["details"]["causes"][0]["message"] == wanted["details"]["causes"][0]["message"].partition("\n")[0]


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 6, 7, 9])
async def test_the_viewer_is_refused_as_recorded(writes, number):
    server = await writes("error-403-rbac")
    await server.step(number)


async def test_a_restart_is_answered_as_recorded(writes, recorded):
    server = await writes("rollout-restart", body(recorded("rollout-restart"), 0))
    ours = await server.step(2)
    assert ours["metadata"]["generation"] == 2 and ours["status"]["observedGeneration"] == 1


async def test_pause_and_resume_are_answered_as_recorded(writes, recorded):
    steps = recorded("rollout-pause-resume")
    before = body(steps, 0)
    before["metadata"]["generation"] -= 1
    del before["spec"]["paused"]
    server = await writes("rollout-pause-resume", before)
    server.compares_fields = False
    for number in range(5):
        if number in (1, 2, 4):
            # The controller was here: it wrote the status, and nothing else.
            stored = server.store.all("deployments.apps")[0].read()
            server.load({"kind": "Deployment", "apiVersion": "apps/v1", **stored,
                         "status": body(steps, number)["status"]})
        await server.step(number)


async def test_an_undo_patch_is_answered_as_recorded(writes, recorded):
    steps = recorded("rollout-undo")
    server = await writes("rollout-undo", body(steps, 0))
    number = next(n for n, one in enumerate(steps) if one["request"]["method"] == "PATCH")
    await server.step(number)


@pytest.mark.parametrize("name", ["scale", "scale-conflict"])
async def test_the_scale_subresource_is_answered_as_recorded(writes, recorded, name):
    steps = recorded(name)
    deployment = body(recorded("scale"), 9)
    server = await writes(name, deployment)
    for number, step in enumerate(steps):
        if not step["request"]["path"].endswith("/scale"):
            continue
        recorded_body = step["response"]["body"]
        if recorded_body["kind"] == "Scale":
            # The controller meanwhile: spec as the last write left it, status as this answer shows it.
            # (The first answer of scale-conflict was changed by the recorder before it was written down.)
            stored = server.store.all("deployments.apps")[0].read()
            stored["status"]["replicas"] = recorded_body["status"]["replicas"]
            server.store.apply({"kind": "Deployment", "apiVersion": "apps/v1", **stored})
            if step["request"]["method"] == "PUT" and step["response"]["status"] == 200:
                current = str(server.store.all("deployments.apps")[0].revision)
                asked = step["request"]["body"]["metadata"].get("resourceVersion")
                server.server.known[asked] = current
                # The same dictionary was sent again with another uid: it shows in the record of this one too.
                if asked is None:
                    server.steps[number]["request"]["body"]["metadata"].pop("uid")
        elif recorded_body["code"] == 409 and "resourceVersion" in step["request"]["body"]["metadata"]:
            stored = server.store.all("deployments.apps")[0].read()
            stored["status"]["observedGeneration"] = stored["status"].get("observedGeneration", 0) + 1
            server.store.apply({"kind": "Deployment", "apiVersion": "apps/v1", **stored})
        await server.step(number, body=(name, number) != ("scale-conflict", 0))


async def test_an_autoscaler_is_one_object_in_every_version_as_recorded(writes, recorded):
    steps = recorded("hpa")
    server = await writes("hpa")
    server.compares_fields = False
    await server.step(0)
    newer = body(steps, 2)
    server.load(newer)
    await server.step(1)
    await server.step(2)
    await server.step(3)
    table = await server.step(5, body=False)
    assert table["rows"][0]["cells"][:6] == body(steps, 5)["rows"][0]["cells"][:6]
