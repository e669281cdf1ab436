"""The REST layer: routes, parameters, media types, the error envelope.

Parameters are checked against what each route reads, because Elasticsearch refuses an unrecognised one, and a
client that misspells `keep_alive` should learn it here and not in production.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from aiohttp import web

from console.demo.elasticsearch import search
from console.demo.elasticsearch.dates import span_ms
from console.demo.elasticsearch.documents import FIELDS, INDEX, SHARDS
from console.demo.elasticsearch.errors import EsError, illegal, parsing
from console.demo.elasticsearch.index import REFRESH_S, Index
from console.demo.elasticsearch.media import PLAIN, answer_type, check_body_type
from console.demo.elasticsearch.names import resolves
from console.demo.world.world import World

VERSION = "8.15.3"
MAX_BODY_BYTES = 1024 * 1024
_EVERYWHERE = frozenset({"pretty", "human", "error_trace", "format"})
_INDICES = frozenset({"ignore_unavailable", "allow_no_indices", "expand_wildcards"})
_TUNING = frozenset(
    {
        "preference",
        "request_cache",
        "batched_reduce_size",
        "ccs_minimize_roundtrips",
        "max_concurrent_shard_requests",
        "pre_filter_shard_size",
        "allow_partial_search_results",
        "typed_keys",
        "routing",
    }
)
"""Parameters that change how Elasticsearch works but not what it answers from one index on one node."""
_IN_URL = {
    "size": int,
    "from": int,
    "terminate_after": int,
    "timeout": str,
    "sort": str,
    "track_total_hits": str,
    "_source": str,
}
_SOURCE_PATTERNS = frozenset({"_source_includes", "_source_excludes"})

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def app(world: World, clock: Callable[[], datetime]) -> web.Application:
    """The server over `world`, whose now is `clock` (aware UTC)."""
    api = _Api(world, Index(world, clock), clock)
    application = web.Application(middlewares=[_envelope], client_max_size=MAX_BODY_BYTES)
    add = application.router.add_route
    add("GET", "/", api.root)
    add("HEAD", "/", api.root)
    add("GET", "/_cluster/health", api.health)
    add("GET", "/_cluster/health/{index}", api.health)
    add("DELETE", "/_pit", api.close_pit)
    for method in ("GET", "POST"):
        add(method, "/_search", api.search)
        add(method, "/_count", api.count)
        add(method, "/_field_caps", api.field_caps)
        add(method, "/{index}/_search", api.search)
        add(method, "/{index}/_count", api.count)
        add(method, "/{index}/_field_caps", api.field_caps)
    add("POST", "/{index}/_pit", api.open_pit)
    add("GET", "/_settings", api.settings)
    add("GET", "/{index}/_settings", api.settings)
    add("GET", "/{index}/_settings/{name}", api.settings)
    add("*", "/{tail:.*}", api.unknown)
    return application


def _json(data: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(data), content_type=PLAIN)


@web.middleware
async def _envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Headers on everything, EsError as its body, and the route's own 404 and 405 in Elasticsearch's
    words."""
    type_ = PLAIN
    try:
        type_ = answer_type(request.headers.get("Accept", ""))
        response = await handler(request)
    except EsError as error:
        response = _json(error.body(), error.status)
    except web.HTTPRequestEntityTooLarge:
        response = _json(
            illegal(f"request body is larger than {MAX_BODY_BYTES} bytes").body() | {"status": 413}, 413
        )
    response.headers["X-Elastic-Product"] = "Elasticsearch"
    response.headers["Content-Type"] = type_
    if isinstance(response, web.Response) and isinstance(response.body, bytes) and len(response.body) > 1024:
        response.enable_compression()
    return response


async def _body(request: web.Request) -> dict[str, Any]:
    raw = await request.read()
    if not raw.strip():
        return {}
    check_body_type(request.headers.get("Content-Type", ""))
    try:
        decoded = msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        raise EsError(400, "parse_exception", f"Failed to parse content to map: {error}") from error
    except RecursionError as error:
        raise EsError(400, "parse_exception", "Failed to parse content to map: nested too deeply") from error
    if not isinstance(decoded, dict):
        raise parsing(f"Expected [START_OBJECT] but found {type(decoded).__name__}")
    return decoded


def _check_parameters(request: web.Request, *known: frozenset[str]) -> None:
    allowed = _EVERYWHERE.union(*known)
    unknown = sorted(name for name in request.query if name not in allowed)
    if unknown:
        noun = "parameter" if len(unknown) == 1 else "parameters"
        listed = ", ".join(f"[{name}]" for name in unknown)
        raise illegal(f"request [{request.path}] contains unrecognized {noun}: {listed}")


def _matched(request: web.Request) -> bool:
    given = request.query
    return resolves(
        request.match_info.get("index", ""),
        given.get("ignore_unavailable") == "true",
        given.get("allow_no_indices", "true") != "false",
    )


class _Api:
    def __init__(self, world: World, index: Index, clock: Callable[[], datetime]) -> None:
        self._world = world
        self._index = index
        self._clock = clock

    async def root(self, request: web.Request) -> web.Response:
        return _json(
            {
                "name": "demo-es-0",
                "cluster_name": "midwatch-demo",
                "cluster_uuid": "bWlkd2F0Y2gtZGVtby1lcw",
                "version": {
                    "number": VERSION,
                    "build_flavor": "default",
                    "build_type": "docker",
                    "build_hash": "embedded",
                    "build_date": "2024-10-09T22:08:00.000000000Z",
                    "build_snapshot": False,
                    "lucene_version": "9.11.1",
                    "minimum_wire_compatibility_version": "7.17.0",
                    "minimum_index_compatibility_version": "7.0.0",
                },
                "tagline": "You Know, for Search",
            }
        )

    async def health(self, request: web.Request) -> web.Response:
        known = frozenset(
            {"wait_for_status", "timeout", "master_timeout", "local", "level", "wait_for_nodes"}
        )
        _check_parameters(request, known, _INDICES)
        _matched(request)
        return _json(
            {
                "cluster_name": "midwatch-demo",
                "status": "green",
                "timed_out": False,
                "number_of_nodes": 1,
                "number_of_data_nodes": 1,
                "active_primary_shards": SHARDS,
                "active_shards": SHARDS,
                "relocating_shards": 0,
                "initializing_shards": 0,
                "unassigned_shards": 0,
                "unassigned_primary_shards": 0,
                "delayed_unassigned_shards": 0,
                "number_of_pending_tasks": 0,
                "number_of_in_flight_fetch": 0,
                "task_max_waiting_in_queue_millis": 0,
                "active_shards_percent_as_number": 100.0,
            }
        )

    async def settings(self, request: web.Request) -> web.Response:
        known = frozenset({"flat_settings", "include_defaults", "master_timeout", "local"})
        _check_parameters(request, known, _INDICES)
        if not _matched(request):
            return _json({})
        born = int((self._world.start.timestamp()) * 1000) - 7_200_000
        flat = {
            "index.refresh_interval": f"{REFRESH_S}s",
            "index.number_of_shards": str(SHARDS),
            "index.number_of_replicas": "0",
            "index.provided_name": INDEX,
            "index.creation_date": str(born),
            "index.uuid": "bWlkd2F0Y2gtbG9ncy0wMQ",
            "index.version.created": "8512000",
        }
        wanted = request.match_info.get("name", "*").split(",")
        flat = {name: value for name, value in flat.items() if any(fnmatchcase(name, one) for one in wanted)}
        if request.query.get("flat_settings") in ("true", ""):
            return _json({INDEX: {"settings": flat}} if flat else {})
        nested: dict[str, Any] = {}
        for name, value in flat.items():
            *parents, leaf = name.split(".")
            at = nested
            for parent in parents:
                at = at.setdefault(parent, {})
            at[leaf] = value
        return _json({INDEX: {"settings": nested}} if nested else {})

    async def field_caps(self, request: web.Request) -> web.Response:
        _check_parameters(
            request,
            _INDICES,
            frozenset({"fields", "include_unmapped", "filters", "types", "include_empty_fields"}),
        )
        body = await _body(request)
        for key in body:
            if key not in ("fields", "index_filter", "runtime_mappings"):
                raise parsing(f"[field_caps_request] unknown field [{key}]")
        if body.get("index_filter") or body.get("runtime_mappings"):
            raise illegal("[index_filter] and [runtime_mappings] are not supported by this server")
        given = body.get("fields", request.query.get("fields"))
        patterns = given.split(",") if isinstance(given, str) else given
        if not isinstance(patterns, list) or not patterns:
            raise EsError(
                400, "action_request_validation_exception", "Validation Failed: 1: no fields specified;"
            )
        if not _matched(request):
            return _json({"indices": [], "fields": {}})
        return _json({"indices": [INDEX], "fields": _capabilities([str(one) for one in patterns])})

    async def open_pit(self, request: web.Request) -> web.Response:
        _check_parameters(
            request,
            _INDICES,
            frozenset({"keep_alive", "preference", "routing", "allow_partial_search_results"}),
        )
        body = await _body(request)
        if body:
            raise illegal("a body of [_pit] is not supported by this server")
        if "keep_alive" not in request.query:
            raise EsError(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: [keep_alive] is not specified;",
            )
        keep_alive_ms = span_ms(request.query["keep_alive"], "keep_alive")
        pit_id = self._index.open_pit(keep_alive_ms, _matched(request))
        return _json(
            {"id": pit_id, "_shards": {"total": SHARDS, "successful": SHARDS, "skipped": 0, "failed": 0}}
        )

    async def close_pit(self, request: web.Request) -> web.Response:
        _check_parameters(request)
        pit_id = (await _body(request)).get("id")
        if not isinstance(pit_id, str) or not pit_id:
            raise illegal("[id] of the point in time to close is not specified")
        freed = self._index.close_pit(pit_id)
        return _json({"succeeded": True, "num_freed": freed}, 200 if freed else 404)

    async def search(self, request: web.Request) -> web.Response:
        known = frozenset({*_IN_URL, "rest_total_hits_as_int"})
        _check_parameters(request, _INDICES, _TUNING, _SOURCE_PATTERNS, known)
        body = await _body(request)
        _merge_url(request, body)
        pit = body.get("pit")
        if pit is None:
            asked = search.checked(body, self._index.now_ns(), in_pit=False)
            answer = await search.run(self._index, asked, self._index.view(), _matched(request))
            return _json(answer)
        if "index" in request.match_info:
            raise EsError(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: [indices] cannot be used with point in time. Do not specify any index "
                "with "
                "point in time.;",
            )
        if not isinstance(pit, dict) or not isinstance(pit.get("id"), str):
            raise parsing("[pit] needs an object with [id]")
        asked = search.checked(body, self._index.now_ns(), in_pit=True)
        keep_alive = pit.get("keep_alive")
        context, newest = self._index.use_pit(
            pit["id"], None if keep_alive is None else span_ms(keep_alive, "keep_alive")
        )
        return _json(
            {"pit_id": newest, **await search.run(self._index, asked, context.view, context.matched)}
        )

    async def count(self, request: web.Request) -> web.Response:
        _check_parameters(request, _INDICES, _TUNING, frozenset({"terminate_after"}))
        body = await _body(request)
        for key in body:
            if key != "query":
                raise parsing(f"request does not support [{key}]")
        after = int(request.query.get("terminate_after", "0") or 0)
        wanted = {**body, "size": 0, "track_total_hits": True, "terminate_after": after}
        asked = search.checked(wanted, self._index.now_ns(), in_pit=False)
        answer = await search.run(self._index, asked, self._index.view(), _matched(request))
        return _json({"count": answer["hits"]["total"]["value"], "_shards": answer["_shards"]})

    async def unknown(self, request: web.Request) -> web.Response:
        uri, method = request.path_qs, request.method
        if (
            any(
                request.path.endswith(end)
                for end in ("_search", "_count", "_pit", "_field_caps", "_settings")
            )
            or uri == "/"
        ):
            return _json(
                {"error": f"Incorrect HTTP method for uri [{uri}] and method [{method}]", "status": 405}, 405
            )
        return _json({"error": f"no handler found for uri [{uri}] and method [{method}]"}, 400)


def _merge_url(request: web.Request, body: dict[str, Any]) -> None:
    """Search parameters of the URL win over the body, as in Elasticsearch."""
    given = request.query
    for name, kind in _IN_URL.items():
        if name not in given:
            continue
        text = given[name]
        if kind is int:
            if not text.lstrip("-").isdigit():
                raise illegal(f"Failed to parse int parameter [{name}] with value [{text}]")
            body[name] = int(text)
        elif name == "sort":
            pairs = (one.rpartition(":") for one in text.split(","))
            body[name] = [{field: order} if field else order for field, _, order in pairs]
        elif text in ("true", "false"):
            body[name] = text == "true"
        elif name == "track_total_hits" and text.isdigit():
            body[name] = int(text)
        else:
            body[name] = text
    if _SOURCE_PATTERNS & set(given):
        body["_source"] = {
            "includes": given.get("_source_includes"),
            "excludes": given.get("_source_excludes"),
        }
    if given.get("rest_total_hits_as_int") == "true":
        raise illegal("[rest_total_hits_as_int] is not supported by this server")


def _capabilities(patterns: list[str]) -> dict[str, Any]:
    def one(type_: str, searchable: bool, aggregatable: bool, metadata: bool = False) -> dict[str, Any]:
        capability = {
            "type": type_,
            "metadata_field": metadata,
            "searchable": searchable,
            "aggregatable": aggregatable,
        }
        return {type_: capability}

    every = {name: one(field.type, True, field.type != "match_only_text") for name, field in FIELDS.items()}
    # A wildcard also names the objects above the fields and the metadata fields.
    objects = {parent for name in FIELDS for parent in _parents(name)}
    every |= {name: one("object", False, False) for name in objects}
    every |= {"_id": one("_id", True, False, True), "_index": one("_index", True, True, True)}
    return {
        name: every[name] for name in sorted(every) if any(fnmatchcase(name, pattern) for pattern in patterns)
    }


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]
