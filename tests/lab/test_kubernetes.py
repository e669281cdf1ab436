"""The product's reflectors against a real kube-apiserver with a real etcd: they agree with it, whatever happens to it, and
ask in moderation. `make lab-kubernetes` first.

What the server holds is read by another client (tests/lab/kubernetes); what it was asked comes from its own audit log.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.model.failure import FailureKind
from console.model.severity import State
from console.sources.kubernetes import Pace
from tests.lab.kubernetes.cluster import SITE, Cluster
from tests.lab.kubernetes.expected import Held, held
from tests.lab.kubernetes.gate import Gate
from tests.lab.kubernetes.traffic import (
    KINDS,
    MERGE,
    SPACES,
    Traffic,
    collection,
    deployment,
    emptied,
    event,
    node,
    pod,
    poured,
)
from tests.lab.kubernetes.watching import CLUSTER, Watching, target, until, watching
from tests.lab.proof import FOLDER, Figure, figure

SEED = 20261122
TOLD_S = 5.0  # after the end of the server; a SIGTERM takes a second of it to end the watches
# Else a server that is asked to end waits a minute for the watches over HTTP/1.1 that are open.
ENDS_WATCHES = "--shutdown-watch-termination-grace-period=1s"
WRITES = 2_000

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(420),
    pytest.mark.skipif(not SITE.exists(), reason="tests/lab/kubernetes.toml is missing: run `make lab-kubernetes` first"),
]

Json = dict[str, Any]


@pytest.fixture(scope="module")
def figures() -> Iterator[Json]:
    """What was measured, by test; written down where the proofs are kept when there is such a place."""
    found: Json = {"what": "the reflectors against a real kube-apiserver with a real etcd", "figures": [], "detail": {}}
    yield found
    folder = os.environ.get(FOLDER)
    if folder:
        Path(folder, "kubernetes.json").write_text(json.dumps(found, indent=1) + "\n")


@pytest.fixture(scope="module")
def cluster(figures: Json) -> Iterator[Cluster]:
    found = Cluster()
    if not _is_up(found):
        pytest.skip("the lab's kube-apiserver is not up: run `make lab-kubernetes` first")
    # Two runs at once would end each other's server.
    with (found.folder / "in-use").open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pytest.skip("another run of these tests has the lab's kube-apiserver")
        figures["detail"]["server"] = {**found.built, "ready_s": found.ready_s}
        yield found


def _is_up(found: Cluster) -> bool:
    try:
        found.pid("etcd")
        found.pid()
    except (OSError, ValueError, AssertionError):
        return False
    return True


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[httpx.AsyncClient]:
    """Writes and reads beside the product; the cluster is empty at first, and up again whatever the test before left."""
    if not _is_up(cluster):
        await cluster.start()
    async with cluster.client("lab-traffic") as opened:
        await emptied(opened)
        yield opened


def tell(figures: Json, name: str, *goals: Figure, **measured: object) -> None:
    """Keep and print what a test measured. `goals` were asserted by the test, where a failure says more."""
    figures["figures"] += goals
    figures["detail"][name] = measured
    print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in measured.items()))
    for each in goals:
        print(f"{name}: {each['name']} {each['value']:g} {each['unit']} ({each['goal']})")


async def agreed(watched: dict[str, Watching], client: httpx.AsyncClient, within_s: float = 30.0) -> dict[str, Held]:
    """All that is watched is what the server holds, now that nobody writes."""
    there = {kind: await held(client, kind, CLUSTER) for kind in watched}
    for kind, one in watched.items():
        await until(lambda one=one, kind=kind: one.agrees_with(there[kind]), lambda one=one, kind=kind: one.differs_by(there[kind]), within_s)
        assert one.folded == dict(one.last.value.items), f"{kind}: who follows `changed` ends elsewhere"
    return there


def differing(watched: dict[str, Watching], there: dict[str, Held]) -> int:
    """Objects of which the console shows something else than the server holds, one of the two nothing at all included."""
    return sum(
        (one.rows or {}).get(key) != there[kind].rows.get(key)
        for kind, one in watched.items()
        for key in (one.rows or {}).keys() | there[kind].rows.keys()
    )


def verbs(asked: list[Json]) -> Counter[str]:
    """Requests by "verb resource"."""
    return Counter(f"{entry['verb']} {entry.get('objectRef', {}).get('resource', entry['requestURI'])}" for entry in asked)


async def create(client: httpx.AsyncClient, kind: str, space: str | None, body: Json) -> Json:
    answer = await client.post(collection(kind, space), json=body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def test_a_list_in_pages_and_its_watch_agree_with_the_server(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    for n in range(230):
        await create(client, "pods", SPACES[n % 2], pod(f"p{n}", n, "n1" if n % 3 else None))
    for n in range(7):
        await create(client, "deployments", "live", deployment(f"d{n}", n))
        await create(client, "nodes", None, node(f"n{n}", n))
        await create(client, "events", "vod", event(f"e{n}", n, "vod"))

    mark = cluster.audit_mark()
    began = time.monotonic()
    async with watching(pace=Pace(page_objects=40)) as watched:
        there = await agreed(watched, client)
        listed_s = time.monotonic() - began
        asked = cluster.asked(mark)
        assert {kind: len(there[kind].rows) for kind in KINDS} == {"pods": 230, "deployments": 7, "nodes": 7, "events": 7}
        await until(lambda: verbs(cluster.asked(mark)).total() == 13, lambda: f"asked {verbs(cluster.asked(mark))}")
        asked = cluster.asked(mark)
        # 230 pods in pages of 40 are six; everything else fits in one. And one watch each.
        assert verbs(asked) == {"list pods": 6, "watch pods": 1} | {
            f"{verb} {kind}": 1 for verb in ("list", "watch") for kind in KINDS if kind != "pods"
        }
        seen_s = []
        for n in range(20):
            sent = time.monotonic()
            await client.patch(f"{collection('pods', 'live')}/p{n * 2}", json={"metadata": {"labels": {"step": f"x{n}"}}}, headers=MERGE)
            key = f"{CLUSTER}/live/p{n * 2}"
            await until(lambda key=key, n=n: watched["pods"].last.value.items[key].labels["step"] == f"x{n}", lambda: "no such label")
            seen_s.append(time.monotonic() - sent)
        await agreed(watched, client)
        assert len(cluster.asked(mark)) == 13
    assert sorted(seen_s)[10] < 1.0
    tell(
        figures,
        "list in pages and watch",
        figure("a patch to its reading, median of 20", sorted(seen_s)[10], "s", most=1.0),
        objects=sum(len(one.rows) for one in there.values()),
        listed_s=round(listed_s, 2),
        requests=13,
        patch_to_reading_median_ms=round(sorted(seen_s)[10] * 1000),
        patch_to_reading_most_ms=round(max(seen_s) * 1000),
    )


async def test_after_two_thousand_random_writes_it_holds_what_the_server_holds(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    mark = cluster.audit_mark()
    revision = await cluster.revision()
    async with watching(pace=Pace(watch_s=(2, 4))) as renewed, watching() as watched:
        await until(lambda: all(one.state is State.LIVE for one in (*renewed.values(), *watched.values())), lambda: "not live")
        began = time.monotonic()
        became = await poured(client, Traffic(SEED), WRITES)
        wrote_s = time.monotonic() - began
        there = await agreed(watched, client)
        await agreed(renewed, client)
        settled_s = time.monotonic() - began - wrote_s
        lasted_s = time.monotonic() - began
        written_revisions = await cluster.revision() - revision
        asked = verbs(cluster.asked(mark))
        costs = [one.source.cost for one in watched.values()]
        renewals = [one.source.cost.requests for one in renewed.values()]
        readings = sum(one.readings for one in watched.values())
        relists = sum(verbs(cluster.asked(mark))[f"list {kind}"] for kind in KINDS)

    assert became.get("done", 0) >= 0.97 * WRITES, became
    assert sum(len(one.rows) for one in there.values()) > 100
    # Left alone, a kind costs one list and one watch, however much is written; events a new watch every 37 s at most.
    assert [cost.errors for cost in costs] == [0] * 4
    assert {kind: one.source.cost.requests for kind, one in watched.items() if kind != "events"} == dict.fromkeys(KINDS[:3], 2)
    alone = 6 + 2 + math.ceil(lasted_s / 37)
    assert sum(cost.requests for cost in costs) <= alone
    # One that is told to come back every 2 to 4 s: a list and a watch for every 2 s at most, and never a second list.
    most = 2 + math.ceil(lasted_s / 2)
    assert max(renewals) <= most, renewals
    assert relists == 8, asked
    # The console counts a watch when its answer begins, so one a kind may be on its way.
    counted = sum(cost.requests for cost in costs) + sum(renewals)
    assert counted <= asked.total() <= counted + 8, (counted, asked)
    tell(
        figures,
        "random writes",
        figure("random writes taken by the server", became["done"], "writes", least=0.97 * WRITES),
        figure("objects that differ from the server's after them", differing(watched, there), "objects", most=0),
        figure("requests of four kinds meanwhile", sum(cost.requests for cost in costs), "requests", most=alone),
        figure("the same with watches of 2 to 4 s", sum(renewals), "requests", most=4 * most),
        seed=SEED,
        writes=WRITES,
        became=became,
        etcd_revisions=written_revisions,
        wrote_s=round(wrote_s, 1),
        settled_s=round(settled_s, 2),
        objects={kind: len(one.rows) for kind, one in there.items()},
        readings=readings,
        requests=sum(cost.requests for cost in costs),
        requests_with_watches_of_2_to_4_s=sum(renewals),
        bound=f"{alone} and {4 * most}",
        apiserver_rss_mb=round(cluster.rss_mb()),
        etcd_rss_mb=round(cluster.rss_mb("etcd")),
    )


async def test_a_bookmark_moves_the_version_where_nothing_happens(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    await create(client, "pods", "live", pod("p0", 0, None))
    async with watching("pods", pace=Pace(watch_s=(6, 6))) as watched:
        there = await agreed(watched, client)
        (one,) = watched.values()
        began = one.version
        for n in range(50):
            await create(client, "events", "live", event(f"e{n}", n, "live"))
        elsewhere = await cluster.revision()
        # Some 2 s before a watch's time is over the server sends one.
        took_s = await until(lambda: one.version >= elsewhere, lambda: f"at {one.version}, not {elsewhere}", 20.0)
        assert one.rows == there["pods"].rows
        assert one.source.cost.requests <= 2 + math.ceil(took_s / 6)
        assert sum(bool(keys) for keys in one.changed[1:]) == 0, "a bookmark is no change"
    tell(figures, "bookmark", version_moved_by=one.version - began, after_s=round(took_s, 1))


async def test_it_recovers_from_every_end_of_the_server_and_asks_little(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    ends = [(signal.SIGKILL, 0.0), (signal.SIGTERM, 2.0), (signal.SIGKILL, 12.0), (signal.SIGTERM, 0.0), (signal.SIGKILL, 5.0)]
    mark = cluster.audit_mark()
    told_s: list[float] = []
    words: set[str] = set()
    down_s: list[float] = []
    ready_s: list[float] = []
    live_s: list[float] = []
    count = 0

    def counted(number: int) -> None:
        nonlocal count
        count = number + 1

    async with watching() as watched:
        await agreed(watched, client)
        pouring = asyncio.create_task(poured(client, Traffic(SEED + 1), 1_000_000, counted))
        try:
            for n, (how, stays_s) in enumerate(ends):
                # Watches younger than a second have proved nothing and are not opened again at once; so these are older.
                before, since = count, time.monotonic()
                await until(
                    lambda before=before, since=since: count >= before + 80 and time.monotonic() > since + 1.5,
                    lambda: f"{count} writes",
                )
                ended = time.monotonic()
                await cluster.stop(how)
                await until(lambda: all(one.state is State.ERROR for one in watched.values()), lambda: _states(watched))
                told_s.append(time.monotonic() - ended)
                assert all(one.last.value.items for one in watched.values()), "what was known is kept"
                await asyncio.sleep(stays_s)
                for one in watched.values():
                    assert one.last.error is not None
                    assert one.last.error.kind in (FailureKind.UNREACHABLE, FailureKind.OVERLOADED), one.last.error
                    words.add(one.last.error.got)
                ready_s.append(await cluster.start(*([ENDS_WATCHES] if ends[n + 1 : n + 2] and ends[n + 1][0] is signal.SIGTERM else [])))
                down_s.append(time.monotonic() - ended)
                live_s.append(await until(lambda: all(one.state is State.LIVE for one in watched.values()), lambda: _states(watched), 60))
        finally:
            pouring.cancel()
            with suppress(asyncio.CancelledError):
                await pouring
        there = await agreed(watched, client, 60)
        tries = {kind: one.source.cost.requests for kind, one in watched.items()}
        said = {word for one in watched.values() for _, state, word in one.told if state is State.ERROR}

    asked = verbs(cluster.asked(mark))
    assert max(told_s) <= TOLD_S, told_s
    # An outage of D s costs a kind the tries of a doubling wait (draws below 0.8, 1.6 ... 30 s), then a list and a watch.
    most = 2 + sum(_tries(down) + 2 for down in down_s)
    assert max(tries.values()) <= most, (tries, most)
    # What came through to the server: some that it turned away while it started, then a watch, or a list and a watch.
    assert max(sum(asked[f"{verb} {kind}"] for verb in ("list", "watch")) for kind in KINDS) <= 2 + 6 * len(ends), asked
    tell(
        figures,
        "restarts",
        figure("ends of the API server under writes", len(ends), "ends"),
        figure("until every kind was told as an error, at most", max(told_s), "s", most=TOLD_S),
        figure("tries of a kind over all of them, at most", max(tries.values()), "tries", most=most),
        figure("objects that differ from the server's after them", differing(watched, there), "objects", most=0),
        ends=[f"{how.name} and {stays_s:g} s" for how, stays_s in ends],
        writes=count,
        told_after_s=[round(each, 2) for each in told_s],
        said=sorted(words | said),
        down_s=[round(each, 1) for each in down_s],
        ready_s=ready_s,
        live_after_ready_s=[round(each, 1) for each in live_s],
        objects={kind: len(one.rows) for kind, one in there.items()},
        tries=tries,
        bound_of_tries=most,
        reached_the_server=dict(sorted(asked.items())),
    )


def _tries(down_s: float) -> int:
    """A generous number: twice as many as the waits' means add up to, and four for unlucky draws."""
    mean_s, tries, reach = 0.0, 0, 0.8
    while mean_s < down_s:
        mean_s += reach / 2
        reach = min(30.0, reach * 2)
        tries += 1
    return 2 * tries + 4


def _states(watched: dict[str, Watching]) -> str:
    return str({kind: (one.state, one.told[-1:]) for kind, one in watched.items()})


async def test_the_minute_in_which_an_ending_server_keeps_its_watches_is_live_and_true(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    """kube-apiserver stops listening at SIGTERM and waits up to 60 s for open requests, watches included. What other API
    servers of the cluster write meanwhile still arrives, so "live" is no lie.
    """
    for n in range(5):
        await create(client, "pods", "live", pod(f"p{n}", n, None))
    async with watching("pods") as watched:
        await agreed(watched, client)
        (one,) = watched.values()
        os.kill(cluster.pid(), signal.SIGTERM)
        with pytest.raises(httpx.TransportError):
            async with asyncio.timeout(20), cluster.client("lab-traffic") as late:
                while True:
                    await late.get("/readyz")
        took_s = []
        for n in range(5):
            sent = time.monotonic()
            await cluster.erase(f"pods/live/p{n}")
            await until(lambda n=n: f"{CLUSTER}/live/p{n}" not in one.rows, lambda: "it is still there")
            took_s.append(time.monotonic() - sent)
        assert (one.state, one.rows, one.source.cost.requests) == (State.LIVE, {}, 2)
        await cluster.stop(signal.SIGKILL)  # as a kubelet does to it when its own grace period is over
        await until(lambda: one.state is State.ERROR, lambda: _states(watched))
        await cluster.start()
        await until(lambda: one.state is State.LIVE and one.rows == {}, lambda: _states(watched), 60)
    tell(figures, "an ending server", deletion_to_reading_most_ms=round(max(took_s) * 1000))


async def first_line(client: httpx.AsyncClient, kind: str, version: int) -> tuple[int, Json]:
    """What the server answers to a watch from there: the status, and the first event or the whole refusal."""
    query = {"watch": "true", "resourceVersion": str(version), "timeoutSeconds": "2"}
    async with client.stream("GET", collection(kind), params=query) as answer:
        async for line in answer.aiter_lines():
            return answer.status_code, json.loads(line)
        return answer.status_code, {}


async def test_a_version_that_the_server_forgot_is_listed_again_and_nothing_is_doubled(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    traffic = Traffic(SEED + 2)
    await poured(client, traffic, 400)
    async with Gate(cluster.port) as gate, watching(way=target(gate.url)) as watched:
        before = await agreed(watched, client)
        versions = {kind: one.version for kind, one in watched.items()}
        values = {kind: dict(one.last.value.items) for kind, one in watched.items()}
        told = {kind: len(one.changed) for kind, one in watched.items()}

        await gate.shut()
        await poured(client, traffic, 200)
        compacted = await cluster.compact()
        # Pods, deployments and nodes are answered from a cache, which remembers more than etcd does until it is made anew.
        await cluster.stop()
        await cluster.start()
        answers = {kind: await first_line(client, kind, versions[kind]) for kind in KINDS}
        mark = cluster.audit_mark()
        gate.open()
        began = time.monotonic()
        after = await agreed(watched, client, 60)
        took_s = time.monotonic() - began
        # Each: the watch that was refused, the list, and the watch from there.
        await until(lambda: verbs(cluster.asked(mark)).total() >= 12, lambda: f"asked {verbs(cluster.asked(mark))}")
        asked = verbs(cluster.asked(mark))
        assert all(versions[kind] < compacted for kind in KINDS)
        wrongly = 0
        for kind in KINDS:
            status, said = answers[kind]
            refused = said["object"] if status == 200 else said
            assert (refused["code"], refused["reason"]) == (410, "Expired"), (kind, status, said)
            assert (asked[f"watch {kind}"], asked[f"list {kind}"]) == (2, 1), (kind, asked)
            one = watched[kind]
            # Told as changed: what is not the same as before, and nothing else.
            changed = set().union(*(keys for keys in one.changed[told[kind] :] if keys is not None))
            apart = {key for key in before[kind].rows.keys() | after[kind].rows.keys() if before[kind].rows.get(key) != after[kind].rows.get(key)}
            wrongly += len(changed ^ apart)
            assert changed == apart, (kind, changed ^ apart)
            assert all(one.last.value.items[key] is values[kind][key] for key in after[kind].rows.keys() - apart)
            assert None not in one.changed[told[kind] :]
    tell(
        figures,
        "compaction",
        figure("lists of a kind after a real 410", max(asked[f"list {kind}"] for kind in KINDS), "lists", most=1),
        figure("rows told as changed that were not, or not told that were", wrongly, "rows", most=0),
        compacted_to=compacted,
        watched_from=versions,
        answered={kind: f"{status} {said.get('type', said.get('kind'))} {said.get('object', said)['message']}" for kind, (status, said) in answers.items()},
        recovered_s=round(took_s, 1),
        requests=dict(sorted(asked.items())),
        changed={kind: len([key for key in after[kind].rows if after[kind].rows[key] != before[kind].rows.get(key)]) for kind in KINDS},
    )


async def test_a_list_that_expires_between_two_pages_is_begun_again(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    for n in range(30):
        await create(client, "pods", "live", pod(f"p{n}", n, None))
    token = f"Bearer {(cluster.folder / 'token').read_text().strip()}"
    requests = 0

    async def authorization() -> str:
        """Asked for before every request: between the second page and the third the server forgets all of it."""
        nonlocal requests
        requests += 1
        if requests == 3:
            for n in range(5):
                await client.patch(f"{collection('pods', 'live')}/p{n}", json={"metadata": {"labels": {"step": "late"}}}, headers=MERGE)
            await cluster.compact()
            await cluster.stop()
            await cluster.start()
        return token

    mark = cluster.audit_mark()
    async with watching("pods", way=target(authorization=authorization, timeout_s=60.0), pace=Pace(page_objects=10)) as watched:
        (one,) = watched.values()
        await until(lambda: one.state is State.LIVE, lambda: _states(watched), 60)
        there = await agreed(watched, client)
        assert [row[-1]["step"] for row in there["pods"].rows.values()].count("late") == 5
        assert [state for _, state, _ in one.told] == [State.LIVE], "a list begun again is no failure"
        await until(lambda: verbs(cluster.asked(mark))["watch pods"], lambda: "no watch")
    asked = verbs(cluster.asked(mark))
    # Two pages, the refused third, three pages anew, and the watch.
    assert asked == {"list pods": 6, "watch pods": 1}
    tell(figures, "a list that expires", requests=dict(asked), errors=one.source.cost.errors)


async def test_what_rbac_refuses_is_told_in_its_words_and_comes_when_it_is_granted(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    await create(client, "pods", "live", pod("p0", 0, None))
    group = "rbac.authorization.k8s.io"
    await client.delete(f"/apis/{group}/v1/clusterrolebindings/lab-viewers")
    # A role of the lab's own: those that come with Kubernetes are filled by a controller, and none runs here.
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "watch"]}
    answer = await client.post(f"/apis/{group}/v1/clusterroles", json={"metadata": {"name": "lab-pods"}, "rules": [rule]})
    assert answer.status_code in (201, 409), answer.text
    viewer = f"Bearer {(cluster.folder / 'viewer-token').read_text().strip()}"

    async def authorization() -> str:
        return viewer

    mark = cluster.audit_mark()
    async with watching("pods", "nodes", way=target(authorization=authorization)) as watched:
        await until(lambda: all(one.state is State.ERROR for one in watched.values()), lambda: _states(watched))
        refused = {kind: one.last.error for kind, one in watched.items()}
        bound = {
            "metadata": {"name": "lab-viewers"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "lab-pods"},
            "subjects": [{"apiGroup": group, "kind": "Group", "name": "viewers"}],
        }
        answer = await client.post(f"/apis/{group}/v1/clusterrolebindings", json=bound)
        assert answer.status_code == 201, answer.text
        there = await held(client, "pods", CLUSTER)
        took_s = await until(lambda: watched["pods"].agrees_with(there), lambda: watched["pods"].differs_by(there), 60)
        assert watched["nodes"].state is State.ERROR, "the role has no nodes"
        assert len(cluster.asked(mark)) <= 2 * _tries(took_s + 5)
    for kind, failure in refused.items():
        assert failure.kind is FailureKind.UNAUTHORIZED
        assert failure.got.startswith("403: ") and f'User "viewer" cannot list resource "{kind}"' in failure.got, failure.got
        assert f"needs the verbs list and watch on {kind}" in failure.hint
    tell(figures, "rbac", told=refused["pods"].got, granted_to_live_s=round(took_s, 1))


async def test_the_whole_console_shows_the_pods_of_a_real_server(
    cluster: Cluster, client: httpx.AsyncClient, figures: Json
) -> None:
    for n in range(12):
        await create(client, "pods", "live", pod(f"p{n}", n, "n1"))
        waits = {"waiting": {"reason": "CrashLoopBackOff"}} if n == 7 else {"running": {"startedAt": "2026-11-22T02:00:00Z"}}
        status = {"name": "c0", "image": "x", "imageID": "x", "ready": n != 7, "restartCount": 9 if n == 7 else 0, "state": waits}
        ready = {"type": "Ready", "status": "False" if n == 7 else "True", "lastTransitionTime": "2026-11-22T02:00:00Z"}
        answer = await client.patch(
            f"{collection('pods', 'live')}/p{n}/status",
            json={"status": {"phase": "Running", "containerStatuses": [status], "conditions": [ready]}},
            headers=MERGE,
        )
        assert answer.is_success, answer.text
    began = time.monotonic()
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "console", "--config", str(SITE), "snapshot", "workloads", "--format", "json", "--wait", "20s"],
        capture_output=True,
        text=True,
        cwd=SITE.parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith("MIDWATCH_")},
        timeout=60,
        check=False,
    )
    took_s = time.monotonic() - began
    assert ended.stdout.startswith("{"), f"exit code {ended.returncode}: {ended.stderr}"
    (pane,) = json.loads(ended.stdout)["panes"]
    rows = {row["name"]: (row["ready"], row["status"], row["restarts"]) for row in pane["rows"]}
    assert pane["state"] == "live", ended.stdout[:500]
    assert rows == {f"p{n}": ("1/1", "Running", 0) if n != 7 else ("0/1", "CrashLoopBackOff", 9) for n in range(12)}
    bad = [row["name"] for row in pane["rows"] if row["severity"] != "OK"]
    assert bad == ["p7"], pane["rows"]
    tell(figures, "snapshot", pods=len(rows), took_s=round(took_s, 1), exit_code=ended.returncode)
