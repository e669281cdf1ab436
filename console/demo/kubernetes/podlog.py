"""The log subresource: text from a container, with the kubelet's refusals wrapped as the API server wraps
them.

Where the text comes from is a `LogStory`'s business. This file decides which run of the container is meant
(the current one, or the one before a crash), what of it is asked for, and what is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

import msgspec
from aiohttp import web

from console.demo.kubernetes import duration, status
from console.demo.kubernetes.options import number, truth
from console.demo.kubernetes.store import Store

_POLL_S = 0.1
_KUBELET_PORT = 10250


class Line(msgspec.Struct, frozen=True):
    at: datetime
    text: str
    nanos: int = 0
    """Below the microsecond: the wire's timestamps have nine decimals."""

    def encode(self, timestamps: bool) -> bytes:
        if not timestamps:
            return self.text.encode() + b"\n"
        return f"{self.at:%Y-%m-%dT%H:%M:%S.%f}{self.nanos:03d}Z {self.text}\n".encode()


class LogStory(Protocol):
    def lines(
        self, pod: Mapping[str, Any], container: str, since: datetime, until: datetime, exit_code: int | None
    ) -> list[Line]:
        """What the container wrote in [since, until), oldest first; a story may keep only the newest part, as
        a node rotates its files. `exit_code` is set when that run ended at `until`."""
        ...


class _Run(msgspec.Struct, frozen=True):
    begin: datetime
    end: datetime | None
    exit_code: int | None


class LogQuery(msgspec.Struct, frozen=True):
    container: str
    previous: bool
    follow: bool
    timestamps: bool
    tail: int | None
    limit: int | None
    since: datetime | None


def query_of(query: Mapping[str, str], pod: str, now: datetime) -> LogQuery:
    """Raises ApiError 400 or 422."""
    causes = []
    tail, limit, since_s = (number(query, name) for name in ("tailLines", "limitBytes", "sinceSeconds"))
    if tail is not None and tail < 0:
        causes.append(
            ("FieldValueInvalid", "tailLines", f"Invalid value: {tail}: must be greater than or equal to 0")
        )
    for name, value in (("limitBytes", limit), ("sinceSeconds", since_s)):
        if value is not None and value < 1:
            causes.append(("FieldValueInvalid", name, f"Invalid value: {value}: must be greater than 0"))
    if since_s is not None and query.get("sinceTime"):
        causes.append(
            (
                "FieldValueForbidden",
                "[]",
                "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
            )
        )
    if causes:
        raise status.invalid("PodLogOptions", pod, causes)
    since = None
    if since_s is not None:
        since = now - timedelta(seconds=since_s)
    elif query.get("sinceTime"):
        try:
            since = duration.parse(query["sinceTime"])
        except ValueError:
            raise status.bad_request(f'parsing time "{query["sinceTime"]}": not RFC 3339') from None
    return LogQuery(
        query.get("container", ""),
        truth(query.get("previous")),
        truth(query.get("follow")),
        truth(query.get("timestamps")),
        tail,
        limit,
        since,
    )


def _container(pod: Mapping[str, Any], wanted: str) -> str:
    name, spec = pod["metadata"]["name"], pod["spec"]
    usual: list[str] = [c["name"] for c in spec.get("containers") or []]
    if wanted:
        if wanted not in usual + [c["name"] for c in spec.get("initContainers") or []]:
            raise status.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    default = (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
    if default in usual:
        return str(default)
    if len(usual) > 1:
        init = [c["name"] for c in spec.get("initContainers") or []]
        more = f" or one of the init containers: [{' '.join(init)}]" if init else ""
        raise status.bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(usual)}]{more}"
        )
    return usual[0]


def _ended(terminated: Mapping[str, Any]) -> _Run:
    return _Run(
        duration.parse(terminated["startedAt"]),
        duration.parse(terminated["finishedAt"]),
        terminated.get("exitCode", 0),
    )


def _run(pod: Mapping[str, Any], container: str, previous: bool) -> _Run:
    """Which run of the container is meant; raises the kubelet's 400 when there is none."""
    name = pod["metadata"]["name"]
    states = [
        *(pod["status"].get("containerStatuses") or []),
        *(pod["status"].get("initContainerStatuses") or []),
    ]
    found = next((s for s in states if s["name"] == container), None)
    state, last = (found or {}).get("state") or {}, ((found or {}).get("lastState") or {}).get("terminated")
    if previous:
        if last is None:
            raise status.bad_request(f'previous terminated container "{container}" in pod "{name}" not found')
        return _ended(last)
    if state.get("running") is not None:
        return _Run(duration.parse(state["running"]["startedAt"]), None, None)
    if state.get("terminated") is not None:
        return _ended(state["terminated"])
    if last is not None:
        return _ended(last)
    reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
    why = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}
    raise status.bad_request(
        f'container "{container}" in pod "{name}" is waiting to start: {why.get(reason, reason)}'
    )


def _reachable(store: Store, pod: Mapping[str, Any], container: str) -> None:
    """Raises the 500 of a kubelet that does not answer: the node's Ready condition is not True."""
    node = store.get("nodes", "", pod["spec"]["nodeName"])
    if node is None:
        return
    state = node.read()["status"]
    if any(c["type"] == "Ready" and c["status"] == "True" for c in state.get("conditions", [])):
        return
    host = next((a["address"] for a in state.get("addresses", []) if a["type"] == "InternalIP"), node.name)
    where, meta = f"{host}:{_KUBELET_PORT}", pod["metadata"]
    url = f"https://{where}/containerLogs/{meta['namespace']}/{meta['name']}/{container}"
    raise status.ApiError(
        500, status.status(500, f'Get "{url}": dial tcp {where}: connect: connection refused')
    )


async def answer(
    request: web.Request, store: Store, story: LogStory, pod: Mapping[str, Any], now: datetime
) -> web.StreamResponse:
    """Raises ApiError. The Accept header is not asked: text is what there is."""
    asked = query_of(request.query, pod["metadata"]["name"], now)
    container = _container(pod, asked.container)
    if not pod["spec"].get("nodeName"):
        return web.Response(status=204)
    _reachable(store, pod, container)
    run = _run(pod, container, asked.previous)
    begin = max(run.begin, asked.since) if asked.since else run.begin
    until = min(run.end or now, now)
    lines = story.lines(pod, container, begin, until, run.exit_code) if begin < until else []
    if asked.tail is not None:
        lines = lines[-asked.tail :] if asked.tail else []
    body = b"".join(line.encode(asked.timestamps) for line in lines)
    if not asked.follow:
        return web.Response(body=body[: asked.limit], headers={"Content-Type": "text/plain"})
    return await _follow(request, store, story, pod, container, run, asked, until, body)


async def _follow(
    request: web.Request,
    store: Store,
    story: LogStory,
    pod: Mapping[str, Any],
    container: str,
    run: _Run,
    asked: LogQuery,
    until: datetime,
    body: bytes,
) -> web.StreamResponse:
    """Until that run of the container ends, the byte limit is reached, or the client leaves."""
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    response.enable_chunked_encoding()
    await response.prepare(request)
    left = asked.limit
    while True:
        chunk = body if left is None else body[:left]
        if chunk:
            await response.write(chunk)
        left = None if left is None else left - len(chunk)
        gone = request.transport is None or request.transport.is_closing()
        if run.end is not None or left == 0 or gone:
            return response
        await asyncio.sleep(_POLL_S)
        meta = pod["metadata"]
        stored = store.get("pods", meta["namespace"], meta["name"])
        try:
            current = _run(stored.read(), container, False) if stored is not None else None
        except status.ApiError:
            current = None
        if current is None or current.begin != run.begin:
            return response
        run, now = current, store.clock()
        end = min(run.end or now, now)
        lines = story.lines(pod, container, until, end, run.exit_code) if until < end else []
        body, until = b"".join(line.encode(asked.timestamps) for line in lines), max(until, end)
