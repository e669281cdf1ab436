"""The HTTP face: a request is read, its sender is known and allowed, and then it is answered from the store.

One handler for all paths, because the API's path grammar is one grammar and its refusals depend on how far it
could be read: an unknown group is plain text, an unknown resource a Status, an unknown object a Status with
details.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from console.demo.kubernetes import (
    access,
    discovery,
    eviction,
    impersonation,
    options,
    paging,
    podlog,
    request,
    scaling,
    status,
    tables,
)
from console.demo.kubernetes.access import Gate, User
from console.demo.kubernetes.cluster import Cluster
from console.demo.kubernetes.podlog import LogStory
from console.demo.kubernetes.resources import REVIEWS, Catalogue, Resource
from console.demo.kubernetes.serving import Serving
from console.demo.kubernetes.status import ApiError
from console.demo.kubernetes.store import Store
from console.demo.kubernetes.story import PodStory
from console.demo.kubernetes.views import PARTIAL, TABLE, View, negotiate
from console.demo.kubernetes.watching import watch
from console.demo.kubernetes.writing import Writer
from console.demo.wire import IDENTITY, Bearers
from console.demo.world.world import World

TICK_S = 0.5
STORE = web.AppKey("store", Store)
CLUSTER = web.AppKey("cluster", Cluster)
_SERVING = web.AppKey("serving", Serving)
_HEALTH = ("healthz", "livez", "readyz")
_encode = msgspec.json.encode


def app(
    world: World,
    clock: Callable[[], datetime],
    kube_version: str = "1.31",
    *,
    tokens: Mapping[str, User] | None = None,
    anonymous: bool = True,
    open_: bool = False,
    bookmark_s: float = 60.0,
    too_large_wait_s: float = 3.0,
    watch_list: bool = False,
    timeout_unit_s: float = 1.0,
    tick_s: float = TICK_S,
    store: Store | None = None,
    logs: LogStory | None = None,
) -> web.Application:
    """The server over `world`; `clock` gives aware UTC. Tests reach `app[STORE]` and `app[CLUSTER]`.

    `tokens`: bearer token to user; None lets everybody read, and nobody write; `open_` lets those without a token
    read beside them. `store`: one a test has filled itself; the
    cluster of the world is then neither put into it nor moved. `tick_s`: how often the cluster moves."""
    catalogue = Catalogue(int(kube_version.partition(".")[2]))
    kept = store if store is not None else Store(clock, world.seed)
    cluster = Cluster(kept, world, catalogue.minor)
    application = web.Application()
    application[STORE], application[CLUSTER] = kept, cluster
    application[IDENTITY] = Bearers({token: user.name for token, user in (tokens or {}).items()})
    application[_SERVING] = Serving(
        kept,
        clock,
        catalogue,
        Gate(tokens, anonymous, open_),
        logs or PodStory(world),
        bookmark_s,
        too_large_wait_s,
        watch_list,
        timeout_unit_s,
        cluster.touched if store is None else None,
    )
    application.router.add_route("*", "/{path:.*}", _handle)

    async def live(_: web.Application) -> AsyncIterator[None]:
        cluster.populate(clock())
        ticking = asyncio.create_task(_tick(cluster, clock, tick_s), name="kubernetes cluster")
        yield
        ticking.cancel()
        with suppress(asyncio.CancelledError):
            await ticking

    async def stop(_: web.Application) -> None:
        kept.stalled = False
        kept.close_watches()

    if store is None:
        application.cleanup_ctx.append(live)
    application.on_shutdown.append(stop)
    return application


async def _tick(cluster: Cluster, clock: Callable[[], datetime], tick_s: float) -> None:
    while True:
        await asyncio.sleep(tick_s)
        cluster.evolve(clock())


async def _handle(asked: web.Request) -> web.StreamResponse:
    serving = asked.app[_SERVING]
    try:
        user = impersonation.acting(serving.gate.user(asked.headers.get("Authorization")), asked.headers)
        return await _route(asked, serving, user)
    except ApiError as refused:
        return web.Response(
            status=refused.code,
            body=refused.payload,
            headers={"Content-Type": refused.content_type, **refused.headers},
        )


def _json(body: object, code: int = 200, warnings: Sequence[str] = ()) -> web.Response:
    answer = _raw(_encode(body) + b"\n", code)
    for warning in warnings:
        said = warning.replace("\\", "\\\\").replace('"', '\\"')
        answer.headers.add("Warning", f'299 - "{said}"')
    return answer


def _raw(body: bytes, code: int = 200) -> web.Response:
    return web.Response(
        status=code, body=body, headers={"Content-Type": status.JSON, "Cache-Control": "no-cache, private"}
    )


async def _route(asked: web.Request, serving: Serving, user: User) -> web.StreamResponse:
    parts = [part for part in asked.path.split("/") if part]
    path = request.parse(asked.path)
    if path is None or not path.resource:
        return _unresourced(asked, serving, user, parts)
    resource = serving.catalogue.find(path.group, path.version, path.resource)
    if resource is None:
        if path.group not in serving.catalogue.groups:
            raise status.page_not_found()
        raise status.unknown_resource()
    if path.namespace and not resource.namespaced:
        raise status.unknown_resource()
    watching = options.truth(asked.query.get("watch")) and asked.method == "GET" and not path.subresource
    word = "watch" if watching else request.verb(asked.method, path, False)
    serving.gate.check(user, word, resource, path.subresource, path.namespace, path.name)
    if resource.name in REVIEWS:
        return await _review(asked, resource, user, path)
    view = View(resource, path.version)
    if path.subresource or path.more:
        return await _subresource(asked, serving, view, path)
    if path.name and resource.namespaced and not path.namespace:
        raise status.unknown_resource()
    if asked.method not in ("GET", "HEAD"):
        return await _write(asked, serving, view, path)
    form = negotiate(asked.headers.get("Accept", ""))
    if path.name and not watching:
        return await _get(asked, serving, view, path, form)
    query = options.parse(
        asked.query, resource, path.namespace or None, path.name, serving.catalogue.minor, serving.watch_list
    )
    include = _include(asked)
    if watching:
        return await watch(asked, serving, view, query, form, include)
    page = await paging.page(serving.store, resource.shelf, query, serving.too_large_wait_s)
    if form == PARTIAL:
        return _raw(view.partial_list(page.metadata(), page.items))
    if form == TABLE:
        return _json(_table(serving, view, page.metadata(), [one.read() for one in page.items], include))
    return _raw(view.many(page.metadata(), page.items))


async def _write(asked: web.Request, serving: Serving, view: View, path: request.ApiPath) -> web.Response:
    if view.resource.group == "events.k8s.io" or (view.resource.namespaced and not path.namespace):
        raise status.method_not_allowed()
    code, body, warnings = await Writer(serving).answer(asked, view, path)
    return _json(body, code, warnings)


def _include(asked: web.Request) -> str:
    include = asked.query.get("includeObject", "Metadata")
    if include not in ("None", "Metadata", "Object"):
        raise status.bad_request(f'unrecognized includeObject value: "{include}"')
    return include


def _unresourced(asked: web.Request, serving: Serving, user: User, parts: list[str]) -> web.Response:
    """Health, version and discovery."""
    if not access.may_path(user, "get", "/" + "/".join(parts)) and serving.gate.tokens is not None:
        raise status.forbidden_path(user.name, "get", asked.path)
    catalogue = serving.catalogue
    known = _discovery(asked, catalogue, parts)
    if asked.method not in ("GET", "HEAD"):
        raise status.method_not_allowed() if known is not None else status.page_not_found()
    if known is None:
        raise status.page_not_found()
    if isinstance(known, str):
        return web.Response(text=known, headers={"Content-Type": "text/plain; charset=utf-8"})
    return _json(known)


def _discovery(asked: web.Request, catalogue: Catalogue, parts: list[str]) -> dict[str, Any] | str | None:
    groups = catalogue.groups
    match parts:
        case []:
            return discovery.paths(catalogue)
        case ["version"]:
            return discovery.version(catalogue.minor)
        case [probe, *_] if probe in _HEALTH:
            return discovery.health(probe, "verbose" in asked.query)
        case ["api"]:
            return discovery.core_versions(asked.host)
        case ["apis"]:
            return discovery.group_list(catalogue)
        case ["api", "v1"]:
            return discovery.resource_list(catalogue, "", "v1")
        case ["apis", group] if group in groups and group:
            return discovery.group(catalogue, group)
        case ["apis", group, version] if version in groups.get(group, {}):
            return discovery.resource_list(catalogue, group, version)
        case ["apis", group, _] if group in groups:
            raise status.unknown_resource()
    return None


async def _review(asked: web.Request, resource: Resource, user: User, path: request.ApiPath) -> web.Response:
    if asked.method != "POST" or path.name:
        raise status.method_not_allowed()
    try:
        body = msgspec.json.decode(await asked.read())
    except msgspec.DecodeError as error:
        raise status.bad_request(
            f"the object provided is unrecognized (must be of type {resource.kind}): "
            f"couldn't get version/kind; json parse error: {error}"
        ) from None
    api_version = f"{path.group}/{path.version}"
    if resource.kind == "SubjectAccessReview":
        return _json(impersonation.subject_review(body, api_version), 201)
    answer = access.access_review if resource.kind == "SelfSubjectAccessReview" else access.rules_review
    return _json(answer(user, body, api_version), 201)


async def _get(
    asked: web.Request, serving: Serving, view: View, path: request.ApiPath, form: str
) -> web.Response:
    version = asked.query.get("resourceVersion", "")
    if version and not version.isdigit():
        raise status.bad_version(version)
    await paging.caught_up(serving.store, version, serving.too_large_wait_s)
    stored = serving.store.get(view.resource.shelf, path.namespace, path.name)
    if stored is None:
        raise status.not_found(view.resource, path.name)
    if form == PARTIAL:
        return _json(view.partial(stored))
    if form == TABLE:
        metadata: dict[str, object] = {"resourceVersion": str(stored.revision)}
        return _json(_table(serving, view, metadata, [stored.read()], _include(asked)))
    return _raw(view.alone(stored) + b"\n")


def _table(
    serving: Serving, view: View, metadata: dict[str, object], objects: list[dict[str, Any]], include: str
) -> dict[str, Any]:
    minor, now, shelf = serving.catalogue.minor, serving.clock(), view.resource.shelf
    rows = [tables.row(shelf, one, serving.embedded(view, one, include), now, minor) for one in objects]
    return tables.table(metadata, tables.columns(shelf, minor), rows)


async def _subresource(
    asked: web.Request, serving: Serving, view: View, path: request.ApiPath
) -> web.StreamResponse:
    resource = view.resource
    if path.more or path.subresource not in {part.name for part in resource.subresources}:
        raise status.unknown_resource()
    if path.subresource == "eviction":
        if asked.method != "POST":
            raise status.method_not_allowed()
        return _json(await eviction.answer(asked, serving, view, path), 201)
    if path.subresource == "scale":
        return _json(await scaling.answer(asked, Writer(serving), view, path))
    if asked.method not in ("GET", "HEAD"):
        if path.subresource == "status" and asked.method in ("PUT", "PATCH"):
            return await _write(asked, serving, view, path)
        raise status.method_not_allowed()
    stored = serving.store.get(resource.shelf, path.namespace, path.name)
    if stored is None:
        raise status.not_found(resource, path.name)
    if path.subresource == "log":
        return await podlog.answer(asked, serving.store, serving.logs, stored.read(), serving.clock())
    return _raw(view.alone(stored) + b"\n")
