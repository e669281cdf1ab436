"""Logs, reviews and discovery as recorded."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from console.demo.kubernetes.duration import parse
from console.demo.kubernetes.podlog import Line


class RecordedLogs:
    """The recorded lines of `running-ready`, and of every container that crashed. Two of them were recorded with their
    timestamps; the others get some before those."""

    def __init__(self, steps):
        plain = steps[0]["response"]["body"].splitlines()
        known = [line_of(text) for text in steps[1]["response"]["body"].splitlines()]
        first = known[0].at - timedelta(minutes=1)
        self.kept = [Line(first + timedelta(seconds=n), text) for n, text in enumerate(plain[:-2])] + known
        self.crash = steps[5]["response"]["body"].splitlines()

    def lines(self, pod, container, since, until, exit_code):
        if exit_code:
            return [Line(since, text) for text in self.crash]
        return [line for line in self.kept if since <= line.at < until]


def line_of(text):
    stamp, _, rest = text.partition(" ")
    whole, fraction = stamp.rstrip("Z").split(".")
    return Line(parse(f"{whole}.{fraction[:6]}Z"), rest, int(fraction[6:]))


@pytest.fixture
def story(recorded):
    return RecordedLogs(recorded("pod-logs"))


@pytest.fixture
async def logs(replay, recorded, story):
    server = await replay(logs=story)
    states = recorded("pod-states")[0]["response"]["body"]
    for one in states["items"]:
        if one["metadata"]["name"] == "running-ready":
            # The container of the log recording was started before its first line.
            one["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = "2026-11-22T14:00:00Z"
    server.load(states, recorded("node-objects")[0]["response"]["body"])
    return server


async def test_logs_are_text_whatever_is_accepted(logs, recorded):
    for step in recorded("pod-logs"):
        await logs.compare(step)


async def test_log_refusals_are_wrapped_in_a_status(logs, recorded):
    for step in recorded("pod-logs-errors"):
        await logs.compare(step)


async def test_following_a_log_ends_with_the_container(logs, story, recorded, clock):
    step = recorded("pod-logs-follow")[0]
    wanted = step["response"]["lines"]
    async with logs.open(step) as stream:
        seen = [(await stream.line()).decode().rstrip("\n") for _ in range(3)]
        for number, text in enumerate(wanted[3:], start=1):
            story.kept.append(Line(clock.now, line_of(text).text))
            clock.to(number)
            seen.append((await stream.line()).decode().rstrip("\n"))
        pod = logs.store.get("pods", "states", "running-ready").read()
        over = {"terminated": {"exitCode": 0, "startedAt": "2026-11-22T14:00:00Z",
                               "finishedAt": "2026-11-22T14:53:00Z"}}
        pod["status"]["containerStatuses"][0]["state"] = over
        logs.store.apply({"kind": "Pod", "apiVersion": "v1", **pod})
        assert await stream.line() == b""
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ")
    assert all(stamp.match(line) for line in seen)
    assert [stamp.sub("", line) for line in seen] == [stamp.sub("", line) for line in wanted]


async def test_access_reviews_answer_and_never_refuse(replay, recorded):
    server = await replay()
    for step in recorded("self-subject-access-review"):
        # The recorded server tracks who set which field of a review that is never stored.
        step["response"]["body"]["metadata"].pop("managedFields", None)
        await server.compare(step)


async def test_rules_reviews_have_the_recorded_shape(replay, recorded, differ):
    server = await replay()
    for step in recorded("self-subject-rules-review"):
        wanted = step["response"]["body"]
        ours = await (await server.send(step)).json()
        loose = ("resourceRules", "nonResourceRules")
        assert differ(wanted, ours, anything=loose) == []
        known = [rule for rule in wanted["status"]["resourceRules"]
                 if not {"extensions", "networking.k8s.io"} & set(rule["apiGroups"])]
        for rule in known:
            assert rule in ours["status"]["resourceRules"]
        for rule in wanted["status"]["nonResourceRules"]:
            assert rule in ours["status"]["nonResourceRules"]


async def test_discovery_has_the_recorded_shape(replay, recorded, differ):
    server = await replay()
    free = ("gitCommit", "gitTreeState", "buildDate", "goVersion", "serverAddress", "storageVersionHash", "resources",
            "groups")
    for step in recorded("discovery"):
        wanted, answer = step["response"], await server.send(step)
        assert answer.status == wanted["status"]
        assert answer.headers["Content-Type"] == wanted["headers"]["Content-Type"]
        if isinstance(wanted["body"], str):
            text = await answer.text()
            assert text == wanted["body"] or text.splitlines()[-1] == wanted["body"].splitlines()[-1]
            continue
        ours = await answer.json()
        assert differ(wanted["body"], ours, anything=free) == []
        for part in ("groups", "resources"):
            theirs = {one["name"]: one for one in wanted["body"].get(part, [])}
            for one in ours.get(part, []):
                assert differ(theirs[one["name"]], one, anything=("storageVersionHash", "versions")) == []
