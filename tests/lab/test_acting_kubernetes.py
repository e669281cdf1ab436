"""Guarded actions against a real kube-apiserver with real controllers: what was planned is what the server does, and what it
refuses is told in its words. `make lab-kubernetes` first.

The kubelets are played (tests/lab/kubernetes/controllers.py), and whatever interferes between a plan and its write is another
client of the same server.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from console.actions import executor
from console.actions.audit import kinds
from console.actions.audit.chain import Identity
from console.actions.audit.operation import Actor, Ending, StepState
from console.actions.catalogue.kubernetes.patching import OPERATION
from console.actions.catalogue.kubernetes.undo import REVISION
from console.actions.plan import Plan
from console.actions.refusal import Denied
from console.actions.targets.kubernetes.hand import KubeHand
from console.actions.writes import Answer, KubeWrite
from tests.lab.acting import Acting, acting, refused
from tests.lab.kubernetes.cluster import SITE, Cluster
from tests.lab.kubernetes.controllers import NAMES, Kubelet, built, controllers, kubelet
from tests.lab.kubernetes.gate import Gate
from tests.lab.kubernetes.traffic import MERGE, emptied
from tests.lab.proof import Figure, figure, record

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not SITE.exists(), reason="tests/lab/kubernetes.toml is missing: run `make lab-kubernetes` first"),
]

Json = dict[str, Any]
APPS, CORE, POLICY = "/apis/apps/v1/namespaces/live", "/api/v1/namespaces/live", "/apis/policy/v1/namespaces/live"
SCALERS = "/apis/autoscaling/v1/namespaces/live/horizontalpodautoscalers"
LEASES = "/apis/coordination.k8s.io/v1"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
OURS = {"lab": "acting"}  # the label of what has no namespace
NODES = ("a", "b", "c")
FOREIGN = {"team": "Übertragung/öps", "example.org/note": 'a "quoted" ~ / note'}
PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def figures() -> Iterator[list[Figure]]:
    found: list[Figure] = []
    yield found
    if found:
        record("acting_kubernetes", "guarded actions against a real kube-apiserver and its controllers", *found)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    found = Cluster()
    try:
        found.pid("etcd")
        found.pid()
    except (OSError, ValueError, AssertionError):
        pytest.skip("the lab's kube-apiserver is not up: run `make lab-kubernetes` first")
    if not built(found):
        pytest.skip(f"{' and '.join(NAMES)} are not built: run `make lab-kubernetes` again")
    with (found.folder / "in-use").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.skip("another run of these tests has the lab's kube-apiserver")
        asyncio.run(_emptied(found))
        with controllers(found):
            yield found


async def _emptied(cluster: Cluster) -> None:
    async with cluster.client("lab-other") as opened:
        await emptied(opened)
        await cleared(opened)


@pytest.fixture
def as_shipped() -> None:
    """For a test that waits as long as the product does."""


@pytest.fixture(autouse=True)
def brief(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is seen must stand for half a second and not for three, except where a test says so: there are many here."""
    if "as_shipped" not in request.fixturenames:
        monkeypatch.setattr(executor, "HOLDS_S", 0.5)


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    """Another client of the server, in an empty cluster of three ready nodes. What the test made is gone afterwards."""

    async def added(name: str) -> None:
        path = f"/api/v1/nodes/{name}"
        await created(opened, "/api/v1/nodes", node(name))
        await patched(opened, f"{path}/status", {"status": READY})
        await patched(opened, path, {"spec": {"taints": None}})  # else put there for want of a controller of nodes

    async with cluster.client("lab-other") as opened:
        await asyncio.gather(*map(added, NODES))
        yield opened
        await cleared(opened)


@pytest.fixture
async def played(client: httpx.AsyncClient) -> AsyncIterator[Kubelet]:
    async with kubelet(client) as found:
        yield found


async def cleared(client: httpx.AsyncClient) -> None:
    """Nothing of any test here is left, so that the tests of the reflectors find what they expect."""
    owners = [f"{APPS}/{kind}" for kind in ("deployments", "statefulsets", "daemonsets", "replicasets", "controllerrevisions")]
    others = [f"{POLICY}/poddisruptionbudgets", SCALERS, f"{CORE}/serviceaccounts", "/api/v1/nodes"]
    others += [f"{space}/events" for space in (CORE, "/api/v1/namespaces/default")]
    others += [f"{LEASES}/namespaces/{space}/leases" for space in ("live", "default")]
    ours = [f"{RBAC}/{kind}" for kind in ("clusterroles", "clusterrolebindings")]
    ours += [f"{ADMISSION}/{kind}" for kind in ADMITTING]

    async def gone(path: str, **query: str) -> None:
        body = {"propagationPolicy": "Background", **({"gracePeriodSeconds": 0} if path.endswith("/pods") else {})}
        answer = await client.request("DELETE", path, params=query, json=body)
        assert answer.is_success, answer.text

    await asyncio.gather(*map(gone, (*owners, *others)), *(gone(path, labelSelector="lab=acting") for path in ours))
    await gone(f"{CORE}/pods")


ADMITTING = ("validatingadmissionpolicies", "validatingadmissionpolicybindings", "validatingwebhookconfigurations")
READY: Json = {
    "conditions": [{"type": "Ready", "status": "True", "reason": "lab"}],
    "capacity": {"cpu": "8", "memory": "16Gi", "pods": "50"},
    "allocatable": {"cpu": "8", "memory": "16Gi", "pods": "50"},
}


def node(name: str) -> Json:
    """As bare as the server takes one: no annotations, no spec.unschedulable."""
    return {"metadata": {"name": name, "labels": {"topology.kubernetes.io/zone": "lab"}}}


def workload(name: str, replicas: int = 3, image: str = "app:1", **spec: Any) -> Json:
    labels = {"app": name}
    pod = {"terminationGracePeriodSeconds": 1, "containers": [{"name": "app", "image": f"registry.example/{image}"}]}
    return {
        "metadata": {"name": name, "labels": labels, "annotations": FOREIGN},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
            **spec,
        },
    }


def target(name: str, kind: str = "deployment") -> str:
    return f"kube:lab/live/{kind}/{name}"


async def created(client: httpx.AsyncClient, path: str, body: Json) -> Json:
    answer = await client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


async def patched(client: httpx.AsyncClient, path: str, body: Json) -> Json:
    answer = await client.patch(path, json=body, headers=MERGE)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def got(client: httpx.AsyncClient, path: str) -> Json:
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def listed(client: httpx.AsyncClient, path: str, **labels: str) -> list[Json]:
    query = {"labelSelector": ",".join(f"{key}={value}" for key, value in labels.items())}
    answer = await client.get(path, params=query)
    items: list[Json] = answer.raise_for_status().json()["items"]
    return items


async def until(ask: Callable[[], Awaitable[Any]], what: str) -> Any:
    """The first answer that is true. Fails when none is within the patience."""
    end = time.monotonic() + PATIENCE_S
    while True:
        found = await ask()
        if found:
            return found
        assert time.monotonic() < end, f"not within {PATIENCE_S:g} s: {what}"
        await asyncio.sleep(0.05)


async def rolled(client: httpx.AsyncClient, name: str) -> Json:
    """The deployment, when its controller says that its rollout is complete."""

    async def complete() -> Json | None:
        found = await got(client, f"{APPS}/deployments/{name}")
        status, wanted = found["status"], found["spec"]["replicas"]
        counts = [status.get(key, 0) for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
        is_seen = status.get("observedGeneration") == found["metadata"]["generation"]
        return found if is_seen and counts == [wanted] * 4 else None

    found: Json = await until(complete, f"{name} is rolled out")
    return found


async def made(client: httpx.AsyncClient, name: str, replicas: int = 3, **spec: Any) -> Json:
    await created(client, f"{APPS}/deployments", workload(name, replicas, **spec))
    return await rolled(client, name)


async def pods(client: httpx.AsyncClient, app: str) -> dict[str, Json]:
    """By uid, those that stay."""
    found = await listed(client, f"{CORE}/pods", app=app)
    return {each["metadata"]["uid"]: each for each in found if "deletionTimestamp" not in each["metadata"]}


def site(cluster: Cluster, write: Path | None = None, url: str = "") -> str:
    """The lab's cluster: read by the token that may everything, written to by another one where it is given."""
    token = cluster.folder / "token"
    return (
        f'[sites.lab.kubernetes.lab]\nurl = "{url or cluster.url}"\nca_file = "{cluster.folder}/certs/apiserver.crt"\n'
        f'read = {{ bearer_file = "{token}" }}\nwrite = {{ bearer_file = "{write or token}" }}\n'
    )


@asynccontextmanager
async def armed(cluster: Cluster, home: Path, write: Path | None = None, **fields: Any) -> AsyncIterator[Acting]:
    url = fields.pop("url", "")
    async with acting(home, site(cluster, write, url), **fields) as found:
        yield found


async def account(client: httpx.AsyncClient, home: Path, name: str, *rules: tuple[str, str, str]) -> Path:
    """The token of a new service account, which may look at everything besides these (verbs, groups, resources)."""
    await created(client, f"{CORE}/serviceaccounts", {"metadata": {"name": name}})
    await granted(client, name, {"kind": "ServiceAccount", "name": name, "namespace": "live"}, ("get,list,watch", "*", "*"), *rules)
    asked = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "spec": {"expirationSeconds": 600}}
    given = await created(client, f"{CORE}/serviceaccounts/{name}/token", asked)
    path = home / f"{name}.token"
    path.write_text(given["status"]["token"])
    path.chmod(0o600)
    return path


async def granted(client: httpx.AsyncClient, name: str, subject: Json, *rules: tuple[str, str, str]) -> None:
    parts = [
        {"verbs": verbs.split(","), "apiGroups": groups.split(","), "resources": resources.split(",")}
        for verbs, groups, resources in rules
    ]
    group = "rbac.authorization.k8s.io"
    await created(client, f"{RBAC}/clusterroles", {"metadata": {"name": f"lab-{name}", "labels": OURS}, "rules": parts})
    bound = {
        "metadata": {"name": f"lab-{name}", "labels": OURS},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": f"lab-{name}"},
        "subjects": [subject],
    }
    await created(client, f"{RBAC}/clusterrolebindings", bound)


def before_the_write(monkeypatch: pytest.MonkeyPatch, what: Callable[[], Awaitable[Any]]) -> list[KubeWrite]:
    """`what` happens once, after every check and right before the first request that writes; the writes are told."""
    sent: list[KubeWrite] = []
    really = KubeHand.do

    async def do(self: KubeHand, write: KubeWrite, operation: str, person: Actor) -> Answer:
        if not sent:
            await what()
        sent.append(write)
        return await really(self, write, operation, person)

    monkeypatch.setattr(KubeHand, "do", do)
    return sent


def writes(cluster: Cluster, since: int) -> list[str]:
    """What the console asked to be changed, by the server's own log; leases and rehearsals apart."""
    return [
        f"{entry['verb']} {entry['objectRef']['resource']}/{entry['objectRef'].get('subresource', '')}".rstrip("/")
        for entry in cluster.asked(since, "midwatch (")
        if entry["objectRef"]["resource"] != "leases" and "dryRun=All" not in entry["requestURI"]
    ]


# --- deployments -----------------------------------------------------------------------------------------------------


def differing(one: Any, other: Any, at: str = "") -> list[str]:
    """Where two objects are not the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted({*one, *other})
        return [place for key in keys for place in differing(one.get(key), other.get(key), f"{at}/{key}")]
    return [] if one == other else [at]


async def test_an_undo_puts_the_very_template_back_and_no_other_writer_s_annotation_is_touched(
    cluster: Cluster,
    client: httpx.AsyncClient,
    played: Kubelet,
    tmp_path: Path,
    as_shipped: None,
    figures: list[Figure],
) -> None:
    first = await made(client, "packager")
    bad = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "registry.example/app:broken"}]}}}}
    await patched(client, f"{APPS}/deployments/packager", bad)

    async def stuck() -> bool:
        found = await got(client, f"{APPS}/deployments/packager")
        return bool(found["status"].get("updatedReplicas") == 1)

    await until(stuck, "the bad rollout has begun")
    mark = cluster.audit_mark()
    async with armed(cluster, tmp_path / "home") as anna:
        began = time.monotonic()
        done = await anna.done("deployment.undo", target("packager"))
        took_s = time.monotonic() - began
        after = await rolled(client, "packager")
        kept = {**FOREIGN, REVISION: "3", OPERATION: done.id}
        differ = differing(first["spec"], after["spec"]) + differing(kept, after["metadata"]["annotations"])
        assert differ == []
        assert writes(cluster, mark) == ["patch deployments"]
        forward = await anna.service.plan_undo(anna.person, done.id)
        assert dict(forward.parameters) == {"revision": 2}, "and forward again is the revision that it left"
    figures += [
        figure("undo: fields of the spec, and foreign annotations, that are not as before", len(differ), "fields", most=0),
        figure("undo: from the wish to the proof that it is rolled out", took_s, "s", most=30),
        figure("undo: requests that write, by the server's log", len(writes(cluster, mark)), "requests", most=1),
    ]


async def test_restart_pause_resume_and_scale_do_what_the_plan_says_to_the_real_thing(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path, figures: list[Figure]
) -> None:
    await asyncio.gather(made(client, "origin"), made(client, "edge", 2))
    path, old = f"{APPS}/deployments/origin", await pods(client, "origin")
    mark = cluster.audit_mark()
    async with armed(cluster, tmp_path / "home") as anna:

        async def restarted() -> None:
            done = await anna.done("deployment.restart", target("origin"))
            found = await rolled(client, "origin")
            (value,) = found["spec"]["template"]["metadata"]["annotations"].values()
            assert value == done.steps[0].plan.new
            assert not old.keys() & (await pods(client, "origin")).keys()

        async def scaled() -> None:
            up = await anna.done("deployment.scale", target("edge"), replicas=4)
            assert len(await pods(client, "edge")) == 4
            await anna.undone(up.id)
            assert (await rolled(client, "edge"))["spec"]["replicas"] == 2

        await asyncio.gather(restarted(), scaled())
        await anna.done("deployment.pause", target("origin"))
        assert (await got(client, path))["spec"]["paused"] is True
        plan = await anna.plan("deployment.restart", target("origin"))
        assert refused(plan)["standing"] == "origin is paused: nothing would roll out; resume it first"
        await anna.done("deployment.resume", target("origin"))
        assert "paused" not in (await got(client, path))["spec"]
    asked = Counter(writes(cluster, mark))
    assert asked == {"patch deployments": 3, "patch deployments/scale": 2}
    figures.append(figure("writes of a restart, a pause, a resume, a scale and its undo", sum(asked.values()), "requests", most=5))


async def test_nothing_is_a_size_too_a_deployment_is_scaled_to_zero_and_back(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path
) -> None:
    """A Scale of zero has no field `replicas`: the server leaves it out."""
    await made(client, "vod", 2)
    async with armed(cluster, tmp_path / "home") as anna:
        plan = await anna.plan("deployment.scale", target("vod"), replicas=0)
        assert plan.dry_run_ok is True
        assert set(refused(plan)) == {"floor"}
        await patched(client, f"{APPS}/deployments/vod", {"spec": {"replicas": 0}})
        await rolled(client, "vod")
        up = await anna.done("deployment.scale", target("vod"), replicas=2)
        assert up.steps[0].plan.old == 0
        assert len(await pods(client, "vod")) == 2


async def test_the_bounds_of_an_autoscaler_are_changed_where_scaling_is_refused(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path
) -> None:
    await made(client, "transcoder")
    ref = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "transcoder"}
    await created(client, SCALERS, {"metadata": {"name": "t"}, "spec": {"maxReplicas": 6, "scaleTargetRef": ref}})
    async with armed(cluster, tmp_path / "home") as anna:
        plan = await anna.plan("deployment.scale", target("transcoder"), replicas=5)
        assert "autoscaler t keeps 1 to 6 pods" in refused(plan)["ownership"]
        done = await anna.done("deployment.autoscale", target("transcoder"), min=4, max=9)
        found = await got(client, f"{SCALERS}/t")
        assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"]) == (4, 9)
        assert found["metadata"]["annotations"] == {OPERATION: done.id}
        await anna.undone(done.id)
        found = await got(client, f"{SCALERS}/t")
        assert (found["spec"]["minReplicas"], found["spec"]["maxReplicas"]) == (1, 6)


async def test_a_plan_only_rehearses_and_what_the_server_s_admission_would_refuse_it_refuses(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path, figures: list[Figure]
) -> None:
    before = await made(client, "calm")
    mark = cluster.audit_mark()
    async with armed(cluster, tmp_path / "home") as anna:
        wishes: list[tuple[str, Json]] = [
            ("deployment.restart", {}),
            ("deployment.pause", {}),
            ("deployment.scale", {"replicas": 5}),
        ]
        for action, given in wishes:
            plan = await anna.plan(action, target("calm"), **given)
            assert (plan.dry_run_ok, plan.dry_run) == (True, "server dry-run accepted")
        assert await got(client, f"{APPS}/deployments/calm") == before, "not even its resourceVersion"
        rehearsed = [entry for entry in cluster.asked(mark, "midwatch (") if "dryRun=All" in entry["requestURI"]]
        assert (len(rehearsed), writes(cluster, mark)) == (3, [])
        figures.append(figure("writes of three plans, besides three rehearsals", len(writes(cluster, mark)), "requests", most=0))

        await _admission_forbids_restarts(client)
        words = "restarts are done by the release train"

        async def forbidden() -> bool:
            return words in refused(await anna.plan("deployment.restart", target("calm"))).get("dry-run", "")

        await until(forbidden, "the admission policy is in force, and the plan tells its words")
        await _webhook_that_nobody_answers(client)

        async def unknown() -> bool:
            plan = await anna.plan("deployment.pause", target("calm"))
            return plan.dry_run_ok is None and "failed calling webhook" in plan.dry_run and not plan.refusals

        await until(unknown, "what cannot be rehearsed is no consent and no refusal")
        assert await got(client, f"{APPS}/deployments/calm") == before


async def _admission_forbids_restarts(client: httpx.AsyncClient) -> None:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
    expression = "!has(object.spec.template.metadata.annotations)"
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": [rule]},
        "validations": [{"expression": expression, "message": "restarts are done by the release train"}],
    }
    await created(client, f"{ADMISSION}/{ADMITTING[0]}", {"metadata": {"name": "lab", "labels": OURS}, "spec": spec})
    bound = {"policyName": "lab", "validationActions": ["Deny"]}
    await created(client, f"{ADMISSION}/{ADMITTING[1]}", {"metadata": {"name": "lab", "labels": OURS}, "spec": bound})


async def _webhook_that_nobody_answers(client: httpx.AsyncClient) -> None:
    rule = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments"]}
    hook = {
        "name": "ledger.lab.example",
        "clientConfig": {"url": "https://127.0.0.1:9/"},
        "rules": [rule],
        "sideEffects": "NoneOnDryRun",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
    }
    await created(client, f"{ADMISSION}/{ADMITTING[2]}", {"metadata": {"name": "lab", "labels": OURS}, "webhooks": [hook]})


# --- between the plan and the write ----------------------------------------------------------------------------------


async def test_another_writer_between_the_plan_and_the_run_is_seen_by_the_recheck(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path
) -> None:
    """An annotation is enough: the generation of a real Deployment moves with its annotations too. What only its status
    or its labels say does not stand in the way.
    """
    found = await made(client, "drift")
    path = f"{APPS}/deployments/drift"
    mark = cluster.audit_mark()
    async with armed(cluster, tmp_path / "home") as anna:
        plan = await anna.confirmed("deployment.restart", target("drift"))
        touched = await patched(client, path, {"metadata": {"annotations": {"somebody": "else"}}})
        assert touched["metadata"]["generation"] == found["metadata"]["generation"] + 1
        with pytest.raises(Denied, match="recheck: the target has changed since the plan; plan again"):
            await anna.run(plan)
        assert writes(cluster, mark) == []
        plan = await anna.confirmed("deployment.restart", target("drift"))
        await rolled(client, "drift")
        labelled = await patched(client, path, {"metadata": {"labels": {"seen": "yes"}}})
        await patched(client, f"{path}/status", {"status": {"collisionCount": 7}})
        assert labelled["metadata"]["generation"] == touched["metadata"]["generation"]
        assert await anna.run(plan) is Ending.SUCCEEDED
        assert writes(cluster, mark) == ["patch deployments"]


async def test_another_writer_right_before_the_write_fails_the_test_in_the_patch(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    figures: list[Figure],
) -> None:
    await made(client, "race")
    path = f"{APPS}/deployments/race"
    took: list[str] = []
    async with armed(cluster, tmp_path / "home") as anna:
        plan = await anna.confirmed("deployment.scale", target("race"), replicas=4)
        with monkeypatch.context() as patching:
            before_the_write(patching, functools.partial(patched, client, path, {"spec": {"replicas": 2}}))
            assert await anna.run(plan) is Ending.FAILED
        assert _why(anna, plan).endswith("the target has changed since the plan, so plan again")
        assert "a test in the patch does not hold any more (422: " in _why(anna, plan)
        took += ["scale"] * ((await rolled(client, "race"))["spec"]["replicas"] != 2)

        plan = await anna.confirmed("deployment.restart", target("race"))
        with monkeypatch.context() as patching:
            other = {"spec": {"template": {"metadata": {"labels": {"new": "release"}}}}}
            before_the_write(patching, functools.partial(patched, client, path, other))
            assert await anna.run(plan) is Ending.FAILED
        assert "so plan again" in _why(anna, plan)
        after = await rolled(client, "race")
        marked = OPERATION in after["metadata"]["annotations"] or "annotations" in after["spec"]["template"]["metadata"]
        took += ["restart"] * marked

        plan = await anna.confirmed("node.cordon", "node:lab/a")
        with monkeypatch.context() as patching:
            notes = {"metadata": {"annotations": {"kubelet": "was here"}}}
            before_the_write(patching, functools.partial(patched, client, "/api/v1/nodes/a", notes))
            assert await anna.run(plan) is Ending.FAILED
        after = await got(client, "/api/v1/nodes/a")
        took += ["cordon"] * (after["metadata"]["annotations"] != {"kubelet": "was here"} or "unschedulable" in after["spec"])
    assert took == []
    figures.append(figure("of 3 plans overtaken right before their write, those that took effect", len(took), "plans", most=0))


def _why(anna: Acting, plan: Any) -> str:
    return anna.operation(plan).ending_reason


async def test_an_answer_that_was_lost_is_read_back_from_the_real_object(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    figures: list[Figure],
) -> None:
    await asyncio.gather(made(client, "lost"), made(client, "spare", 2))
    path = f"{APPS}/deployments/lost"
    mark = cluster.audit_mark()
    async with Gate(cluster.port) as gate, armed(cluster, tmp_path / "home", url=gate.url) as anna:

        async def deaf_until(field: Callable[[Json], bool], where: str) -> None:
            gate.is_deaf = True

            async def cut() -> None:
                async def is_done() -> bool:
                    return field(await got(client, where))

                await until(is_done, "the server has done it")
                await gate.cut()
                gate.is_deaf = False

            cutting.append(asyncio.create_task(cut()))

        cutting: list[asyncio.Task[None]] = []
        for action, given, is_there, where in (
            ("deployment.restart", {}, lambda found: OPERATION in found["metadata"]["annotations"], path),
            ("deployment.scale", {"replicas": 4}, lambda found: found["spec"]["replicas"] == 4, path),
            ("node.cordon", {}, lambda found: "unschedulable" in found["spec"], "/api/v1/nodes/b"),
        ):
            name = "node:lab/b" if action.startswith("node") else target("lost")
            plan = await anna.confirmed(action, name, **given)
            with monkeypatch.context() as patching:
                before_the_write(patching, functools.partial(deaf_until, is_there, where))
                ending = await anna.run(plan)
            await asyncio.gather(*cutting)
            operation = anna.operation(plan)
            assert ending is Ending.SUCCEEDED, operation
            assert (operation.steps[0].state, operation.steps[0].attempts) == (StepState.DONE, 1), operation
            looked = [each.found for each in anna.records(plan.op) if isinstance(each, kinds.ReadBack)]
            assert looked == [kinds.Found.APPLIED]
    sent = writes(cluster, mark)
    assert sent == ["patch deployments", "patch deployments/scale", "patch nodes"]
    figures.append(figure("requests that write for 3 operations whose answer was lost", len(sent), "requests", least=3, most=3))


# --- who may -----------------------------------------------------------------------------------------------------------


async def test_without_the_right_the_plan_is_refused_in_the_server_s_words(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path
) -> None:
    await made(client, "theirs", 1)
    token = await account(client, tmp_path, "reader")
    mark = cluster.audit_mark()
    async with armed(cluster, tmp_path / "home", token) as anna:
        for action, wanted in (("deployment.restart", "patch deployments.apps"), ("deployment.scale", "patch deployments.apps/scale")):
            plan = await anna.plan(action, target("theirs"), **({"replicas": 2} if "scale" in action else {}))
            assert f"the cluster does not let anna {wanted}" in refused(plan)["access"]
            assert 'User "system:serviceaccount:live:reader" cannot patch resource' in refused(plan)["dry-run"]
        drain = await anna.plan("node.drain", "node:lab/a")
        assert "patch nodes" in refused(drain)["access"]
        with pytest.raises(Denied, match="access"):
            await anna.service.confirm(anna.person, plan.op, plan.hash, plan.to_type)
    assert writes(cluster, mark) == []


async def test_who_may_have_no_leases_acts_without_the_lock_between_hosts(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path
) -> None:
    await made(client, "mine", 1)
    token = await account(client, tmp_path, "patcher", ("patch", "apps", "deployments"))
    async with armed(cluster, tmp_path / "home", token) as anna:
        plan = await anna.plan("deployment.pause", target("mine"))
        (note,) = [each.reason for each in plan.verdicts if each.guard == "lock"]
        assert note.startswith("none between hosts, create leases is not allowed in live"), note
        await anna.done("deployment.pause", target("mine"))
    assert await listed(client, f"{LEASES}/namespaces/live/leases") == []
    async with armed(cluster, tmp_path / "other") as bert:
        await bert.done("deployment.resume", target("mine"))
    (lease,) = await listed(client, f"{LEASES}/namespaces/live/leases")
    assert lease["spec"].get("holderIdentity", "") == "", "and whoever had it has let it go"


async def test_where_it_impersonates_the_server_judges_the_engineer_and_not_the_console(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await made(client, "shared", 1)
    await granted(client, "anna", {"kind": "User", "name": "anna"}, ("patch", "apps", "deployments"))
    bert = Actor(name="bert", id="1002")
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(armed(cluster, tmp_path / "anna", impersonates=True))
        other = await stack.enter_async_context(armed(cluster, tmp_path / "bert", person=bert, impersonates=True))
        plan = await other.plan("deployment.pause", target("shared"))
        assert "the cluster does not let bert patch deployments.apps" in refused(plan)["access"]
        assert 'User "bert" cannot patch resource "deployments"' in refused(plan)["dry-run"]
        await one.done("deployment.pause", target("shared"))
        plan = await one.confirmed("deployment.resume", target("shared"))
        taken = functools.partial(client.delete, f"{RBAC}/clusterrolebindings/lab-anna")
        with monkeypatch.context() as patching:
            before_the_write(patching, functools.partial(_and_in_force, taken, client))
            assert await one.run(plan) is Ending.FAILED
        assert 'User "anna" cannot patch resource "deployments"' in _why(one, plan)
    assert (await got(client, f"{APPS}/deployments/shared"))["spec"]["paused"] is True


async def test_a_role_is_a_group_there_and_an_account_that_may_not_impersonate_changes_nothing(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path
) -> None:
    await made(client, "shared", 1)
    role = {"kind": "Group", "name": "midwatch:lab", "apiGroup": "rbac.authorization.k8s.io"}
    await granted(client, "role", role, ("patch", "apps", "deployments"))
    carla = Actor(name="carla", id="1003")
    async with armed(cluster, tmp_path / "carla", person=carla, impersonates=True) as one:
        done = await one.done("deployment.pause", target("shared"))
        assert done.requested_by == carla
    token = await account(client, tmp_path, "writer", ("patch", "apps", "deployments"), ("create", "authorization.k8s.io", "*"))
    async with armed(cluster, tmp_path / "narrow", token, person=carla, impersonates=True) as one:
        plan = await one.plan("deployment.resume", target("shared"))
        assert "midwatch's own account there may not impersonate user carla" in refused(plan)["access"]
        assert "cannot impersonate" in refused(plan)["dry-run"], "newer servers name the verb and what it is for"
    assert (await got(client, f"{APPS}/deployments/shared"))["spec"]["paused"] is True


async def _and_in_force(change: Callable[[], Awaitable[httpx.Response]], client: httpx.AsyncClient) -> None:
    """The server's authorizer learns of a role a moment after it has changed."""
    assert (await change()).is_success
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "anna",
            "resourceAttributes": {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "live"},
        },
    }

    async def denied() -> bool:
        answer = await client.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review)
        return bool(answer.raise_for_status().json()["status"]["allowed"] is False)

    await until(denied, "the role is gone")


# --- pods and nodes ----------------------------------------------------------------------------------------------------


async def test_an_eviction_is_of_this_very_pod_and_asks_its_budget(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    figures: list[Figure],
) -> None:
    await made(client, "ingest", 2)
    stateful = workload("store", 2, serviceName="store")
    await created(client, f"{APPS}/statefulsets", stateful)

    async def both() -> bool:
        return bool((await got(client, f"{APPS}/statefulsets/store"))["status"].get("availableReplicas") == 2)

    await until(both, "both of the store are there")
    async with armed(cluster, tmp_path / "home") as anna:
        first = next(iter((await pods(client, "ingest")).values()))["metadata"]
        await anna.done("pod.evict", target(first["name"], "pod"))
        assert first["uid"] not in await pods(client, "ingest")

        plan = await anna.confirmed("pod.evict", target("store-0", "pod"))
        before = await got(client, f"{CORE}/pods/store-0")

        async def born_again() -> None:
            """The same name, another pod: what a StatefulSet does."""
            await client.delete(f"{CORE}/pods/store-0")

            async def is_new() -> bool:
                answer = await client.get(f"{CORE}/pods/store-0")
                return answer.is_success and answer.json()["metadata"]["uid"] != before["metadata"]["uid"]

            await until(is_new, "another store-0")

        with monkeypatch.context() as patching:
            (write,) = (step.write for step in plan.steps)
            assert isinstance(write, KubeWrite)
            before_the_write(patching, born_again)
            assert await anna.run(plan) is Ending.SUCCEEDED
        new = await got(client, f"{CORE}/pods/store-0")
        (step,) = anna.operation(plan).steps
        assert (step.state, step.status) == (StepState.DONE, 409)
        taken = "deletionTimestamp" in new["metadata"]
        assert not taken, "the new one was left alone"
        raw = await client.post(f"{CORE}/pods/store-0/eviction", content=write.body, headers={"Content-Type": "application/json"})
        assert raw.status_code == 409 and "does not match the UID in record" in raw.text, raw.text

        budget = {"minAvailable": 2, "selector": {"matchLabels": {"app": "ingest"}}}
        await created(client, f"{POLICY}/poddisruptionbudgets", {"metadata": {"name": "ingest"}, "spec": budget})
        await rolled(client, "ingest")
        await until(functools.partial(_allows, client, "ingest", 0), "the budget allows none")
        name = next(iter((await pods(client, "ingest")).values()))["metadata"]["name"]
        plan = await anna.plan("pod.evict", target(name, "pod"))
        assert refused(plan)["budget"] == "budget live/ingest allows no disruption now"
        assert "violate the pod's disruption budget" in refused(plan)["dry-run"] or "cannot be rehearsed" in str(plan.verdicts)

        await patched(client, f"{POLICY}/poddisruptionbudgets/ingest", {"spec": {"minAvailable": 1}})
        await until(functools.partial(_allows, client, "ingest", 1), "the budget allows one")
        plan = await anna.confirmed("pod.evict", target(name, "pod"))

        async def shrinks() -> None:
            await patched(client, f"{POLICY}/poddisruptionbudgets/ingest", {"spec": {"minAvailable": 2}})
            await until(functools.partial(_allows, client, "ingest", 0), "the budget allows none")

        with monkeypatch.context() as patching:
            before_the_write(patching, shrinks)
            assert await anna.run(plan) is Ending.FAILED
        assert "violate the pod's disruption budget" in _why(anna, plan)
        assert len(await pods(client, "ingest")) == 2
    figures.append(figure("pods of the same name that an eviction of the one before took", int(taken), "pods", most=0))


async def _allows(client: httpx.AsyncClient, name: str, count: int) -> bool:
    found = await got(client, f"{POLICY}/poddisruptionbudgets/{name}")
    status = found.get("status", {})
    is_seen = status.get("observedGeneration") == found["metadata"]["generation"]
    return bool(is_seen and status.get("disruptionsAllowed") == count)


async def test_a_drain_takes_a_node_out_of_service_within_its_budget_and_is_alone_in_doing_so(
    cluster: Cluster,
    client: httpx.AsyncClient,
    played: Kubelet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    figures: list[Figure],
) -> None:
    daemon = workload("agent", 0)
    del daemon["spec"]["replicas"]
    await created(client, f"{APPS}/daemonsets", daemon)
    await made(client, "cdn", 6)
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "cdn"}}}
    await created(client, f"{POLICY}/poddisruptionbudgets", {"metadata": {"name": "cdn"}, "spec": budget})
    await until(functools.partial(_allows, client, "cdn", 1), "the budget allows one")
    on_it = {name: each["spec"]["nodeName"] for name, each in (await pods(client, "cdn")).items()}
    node = Counter(on_it.values()).most_common(1)[0][0]
    least: list[int] = []

    async def counting() -> None:
        while True:
            found = await pods(client, "cdn")
            least.append(sum(_is_ready(each) for each in found.values()))
            await asyncio.sleep(0.02)

    counted = asyncio.create_task(counting())
    mark = cluster.audit_mark()
    async with armed(cluster, tmp_path / "home") as anna, armed(cluster, tmp_path / "other") as bert:
        plan = await anna.confirmed("node.drain", f"node:lab/{node}")
        evicted = [step for step in plan.steps if step.told.what == "evict"]
        assert len(evicted) == Counter(on_it.values())[node]
        began = time.monotonic()
        played.holds = True  # so that it is under way for as long as the second service tries
        running = anna.service.start(anna.person, plan.op, plan.hash)

        async def is_cordoned() -> bool:
            return bool((await got(client, f"/api/v1/nodes/{node}"))["spec"].get("unschedulable"))

        await until(is_cordoned, "the node is cordoned")
        second = await bert.confirmed("node.uncordon", f"node:lab/{node}")
        with monkeypatch.context() as patching:  # two hosts in one process
            other = msgspec.structs.replace(Identity.here(), host="another-host")
            patching.setattr(Identity, "here", lambda: other)
            assert await bert.run(second) is Ending.FAILED
        assert "the lock between hosts: it is held by" in _why(bert, second)
        assert await is_cordoned()
        played.holds = False
        assert await running is Ending.SUCCEEDED, anna.operation(plan)
        took_s = time.monotonic() - began
        counted.cancel()
        left = [each for each in (await pods(client, "cdn")).values() if each["spec"]["nodeName"] == node]
        assert left == []
        daemons = [each["spec"]["nodeName"] for each in (await pods(client, "agent")).values()]
        assert sorted(daemons) == list(NODES), "a DaemonSet's pod stays"
        await anna.undone(plan.op)
        assert "unschedulable" not in (await got(client, f"/api/v1/nodes/{node}"))["spec"]
    asked = Counter(writes(cluster, mark))
    assert asked["patch nodes"] == 2, "the cordon and its undo, and nothing by the second service"
    figures += [
        figure("drain: pods under a budget of one unavailable, the fewest ready at any look", min(least), f"of {len(on_it)}", least=len(on_it) - 1),
        figure("drain: from the confirmation to the proof", took_s, f"s for {len(evicted)} pods", most=60),
        figure("drain and its undo, with a second service in its way: patches of the node", asked["patch nodes"], "patches", most=2),
    ]


def _is_ready(pod: Json) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


async def test_a_bare_node_is_cordoned_and_uncordoned_and_a_stolen_lock_ends_a_drain(
    cluster: Cluster, client: httpx.AsyncClient, tmp_path: Path, figures: list[Figure]
) -> None:
    """No kubelet here: an evicted pod stays Terminating, so that the drain waits while its lock is taken away."""
    bare = await got(client, "/api/v1/nodes/c")
    assert "annotations" not in bare["metadata"] and bare["spec"] == {}
    async with armed(cluster, tmp_path / "home") as anna:
        done = await anna.done("node.cordon", "node:lab/c")
        after = await got(client, "/api/v1/nodes/c")
        assert after["metadata"]["annotations"] == {OPERATION: done.id}
        assert "generation" not in after["metadata"], "so a patch of a node has no generation to test"
        again = await anna.plan("node.cordon", "node:lab/c")
        assert refused(again) == {"change": "it is cordoned already: there is nothing to do"}
        await anna.undone(done.id)
        assert "unschedulable" not in (await got(client, "/api/v1/nodes/c"))["spec"]

        async with kubelet(client):
            await made(client, "held", 3)
        node = next(iter((await pods(client, "held")).values()))["spec"]["nodeName"]
        plan = await anna.confirmed("node.drain", f"node:lab/{node}")
        running = anna.service.start(anna.person, plan.op, plan.hash)

        async def waits() -> Any:
            found = await listed(client, f"{LEASES}/namespaces/default/leases")
            return next((each for each in found if each["spec"].get("holderIdentity")), None) if _evicted(plan) else None

        def _evicted(plan: Any) -> bool:
            progress = anna.service.book.progress(plan.op)
            return progress is not None and progress.text.startswith("waiting for")

        lease = await until(waits, "the drain waits for a pod to be gone")
        path = f"{LEASES}/namespaces/default/leases/{lease['metadata']['name']}"
        began = time.monotonic()
        await patched(client, path, {"spec": {"holderIdentity": "another-host"}})
        assert await running is None
        told_s = time.monotonic() - began
        known = anna.service.book.get(plan.op)
        assert known is not None and known.may_resume
        said = [each.reason for each in anna.records(plan.op) if isinstance(each, kinds.Stopped)]
        assert said == ["the lock between hosts is lost: it is held by another-host now"]
        assert (await got(client, path))["spec"]["holderIdentity"] == "another-host"
    figures.append(figure("a stolen lock: until the drain stopped", told_s, "s", most=8))


# --- without a screen --------------------------------------------------------------------------------------------------


async def test_act_on_the_command_line_is_the_same_service(
    cluster: Cluster, client: httpx.AsyncClient, played: Kubelet, tmp_path: Path
) -> None:
    await made(client, "line", 2)
    async with armed(cluster, tmp_path / "home"):
        pass  # its configuration is what is wanted
    environ = {**os.environ, "HOME": str(tmp_path / "home"), "XDG_STATE_HOME": str(tmp_path / "home/state")}
    command = [sys.executable, "-m", "console", "--config", str(tmp_path / "home/config.toml"), "--write", "act"]

    async def act(*words: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(
            subprocess.run, [*command, *words], env=environ, capture_output=True, text=True, timeout=60, check=False
        )

    planned = await act("plan", "deployment.restart", target("line"))
    assert planned.returncode == 0, planned.stdout + planned.stderr
    typed = re.search(r"^TYPE +(\S+)$", planned.stdout, re.MULTILINE)
    (stored,) = (tmp_path / "home/state/midwatch/plans").iterdir()
    plan_hash = msgspec.json.decode(stored.read_bytes(), type=Plan).hash
    assert typed is not None, planned.stdout
    ran = await act("run", "deployment.restart", target("line"), "--confirm", typed[1], "--plan", plan_hash)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found = await rolled(client, "line")
    assert "midwatch/restartedAt" in found["spec"]["template"]["metadata"]["annotations"]
    assert ran.stdout.startswith(f"{found['metadata']['annotations'][OPERATION]} succeeded: ")
