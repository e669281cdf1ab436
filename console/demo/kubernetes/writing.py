"""Writes: a body becomes an object, is checked as a real server checks it, and only then reaches the store.

Order is behaviour here: the permission was looked at before this room is entered, then comes the media type, then
whether the object exists, then the patch, then the precondition (resourceVersion, uid), then the validation. A dry
run goes the whole way but the last step, so that it answers with the would-be object under its old version.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import timedelta
from typing import Any

import msgspec
from aiohttp import web

from console.demo.kubernetes import conversion, managed, merging, status, validation
from console.demo.kubernetes.request import ApiPath
from console.demo.kubernetes.resources import Resource
from console.demo.kubernetes.serving import Serving
from console.demo.kubernetes.store import Stored, stamp
from console.demo.kubernetes.views import View

Object = dict[str, Any]
MAX_BODY = 3 * 2**20
"""etcd's and the API server's ceiling for one request."""
_GENERATIONS = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "PodDisruptionBudget", "CronJob")
_CONDITIONAL = ("Lease",)
"""Kinds whose PUT must name a version."""
_WARNS, _STRICT = 25, 25
"""From this minor on unknown fields are warned about, and fieldValidation is honoured."""


class Write(msgspec.Struct, frozen=True):
    """What the query of a write says."""

    dry: bool
    manager: str
    strict: str
    """fieldValidation: Ignore, Warn or Strict."""


def options_of(asked: web.Request, options: str) -> Write:
    """`options`: the kind the refusal names, as in CreateOptions. Raises the 422 of a dryRun that is not All."""
    given = asked.query.getall("dryRun", [])
    if given and any(one != "All" for one in given):
        shown = ", ".join(f'"{one}"' for one in given)
        raise status.invalid(options, "", [(
            "FieldValueNotSupported", "dryRun",
            f'Unsupported value: []string{{{shown}}}: supported values: "All"')], group="meta.k8s.io")
    if len(asked.query.get("fieldManager", "").encode()) > 128:
        raise status.invalid(options, "", [(
            "FieldValueTooLong", "fieldManager", "Too long: must have at most 128 bytes")], group="meta.k8s.io")
    agent = asked.headers.get("User-Agent", "").partition("/")[0] or "unknown"
    return Write(bool(given), asked.query.get("fieldManager", "") or agent, asked.query.get("fieldValidation", "Warn"))


async def body_of(asked: web.Request) -> bytes:
    """Raises the 413 of a body past MAX_BODY."""
    if asked._read_bytes is not None:  # the wire log has read it already
        return asked._read_bytes
    body = await asked.content.read(MAX_BODY + 1)
    while not asked.content.at_eof() and len(body) <= MAX_BODY:
        body += await asked.content.read(MAX_BODY + 1 - len(body))
    if len(body) > MAX_BODY:
        raise status.ApiError(413, status.status(
            413, f"Request entity too large: limit is {MAX_BODY}", "RequestEntityTooLarge", {}))
    return body


def decoded(body: bytes, kind: str) -> Object:
    """An object in a body. Raises the 400."""
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        text = body.decode(errors="replace")
        said = "unexpected end of JSON input" if not text.strip() or "truncated" in str(error) else str(error)
        raise status.bad_request(
            f"the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; "
            f"json parse error: {said} ({text[:64]})") from None
    except RecursionError:
        raise status.bad_request(f"the object provided is unrecognized (must be of type {kind}): exceeded max depth"
                                 ) from None
    if not isinstance(found, dict):
        raise status.bad_request(f"the object provided is unrecognized (must be of type {kind}): "
                                 "couldn't get version/kind; json parse error: not an object")
    return found


async def json_body(asked: web.Request, kind: str) -> Object:
    """Raises ApiError 400, 413, 415."""
    if asked.content_type not in ("application/json", "application/octet-stream"):
        raise status.body_type()
    return decoded(await body_of(asked), kind)


def _right_kind(obj: Object, view: View) -> None:
    kind, resource = obj.get("kind", view.resource.kind), view.resource
    if kind != resource.kind:
        version = str(obj.get("apiVersion", view.api_version)).rpartition("/")[2]
        raise status.bad_request(
            f'{kind} in version "{version}" cannot be handled as a {resource.kind}: converting ({version}.{kind}) to '
            f"({resource.group or 'core'}.{resource.kind}): unknown conversion")
    if obj.get("apiVersion", view.api_version) != view.api_version:
        raise status.bad_request(
            f"the API version in the data ({obj['apiVersion']}) does not match the expected API version "
            f"({view.api_version})")


class Writer:
    """The writes of one server."""

    def __init__(self, serving: Serving) -> None:
        self.serving, self.store = serving, serving.store

    def stored(self, resource: Resource, path: ApiPath) -> Stored:
        found = self.store.get(resource.shelf, path.namespace, path.name)
        if found is None:
            raise status.not_found(resource, path.name)
        return found

    async def answer(self, asked: web.Request, view: View, path: ApiPath) -> tuple[int, Object, list[str]]:
        """(status, body, warnings) of a write to an object or a collection. Raises ApiError."""
        match asked.method:
            case "POST" if not path.name:
                return await self.create(asked, view, path)
            case "PUT" if path.name:
                return await self.update(asked, view, path)
            case "PATCH" if path.name:
                return await self.patch(asked, view, path)
            case "DELETE" if path.name:
                return await self.delete(asked, view, path)
        raise status.method_not_allowed()

    # The four verbs

    async def create(self, asked: web.Request, view: View, path: ApiPath) -> tuple[int, Object, list[str]]:
        resource, how = view.resource, options_of(asked, "CreateOptions")
        given = await json_body(asked, resource.kind)
        _right_kind(given, view)
        metadata = given["metadata"] = dict(given.get("metadata") or {})
        if resource.namespaced:
            if metadata.setdefault("namespace", path.namespace) != path.namespace:
                raise status.bad_request("the namespace of the provided object does not match the namespace sent on "
                                         "the request")
            if self.store.get("namespaces", "", path.namespace) is None and self.store.shelf("namespaces").current:
                raise status.not_found(_NAMESPACES, path.namespace)
        if metadata.get("resourceVersion"):
            raise status.internal("resourceVersion should not be set on objects to be created")
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = self.serving.generated_name(str(metadata["generateName"]))
        warnings = self._admitted(view, given, None, how)
        name = metadata["name"]
        if self.store.get(resource.shelf, path.namespace if resource.namespaced else "", name) is not None:
            raise status.already_exists(resource, name)
        for own in ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
            metadata.pop(own, None)
        given.pop("status", None)
        if resource.kind in _GENERATIONS:
            metadata["generation"] = 1
        if any(part.name == "status" for part in resource.subresources):
            given["status"] = _FIRST_STATUS.get(resource.kind, {})
        core = self._core(view, given, None)
        now = stamp(self.serving.clock())
        managed_by = managed.entries(None, core, how.manager, view.api_version, now)
        core["metadata"] |= {"managedFields": managed_by} if managed_by else {}
        if how.dry:
            core["metadata"] |= {"uid": self.serving.fresh_uid(name), "creationTimestamp": now}
            return 201, self._shown(view, core), warnings
        self.serving.touch(resource, path.namespace, name)
        return 201, self._shown(view, self.store.apply(core)), warnings

    async def update(self, asked: web.Request, view: View, path: ApiPath) -> tuple[int, Object, list[str]]:
        resource, how = view.resource, options_of(asked, "UpdateOptions")
        given = await json_body(asked, resource.kind)
        _right_kind(given, view)
        metadata = given["metadata"] = dict(given.get("metadata") or {})
        name = metadata.setdefault("name", path.name)
        if name != path.name:
            raise status.bad_request(
                f"the name of the object ({name}) does not match the name on the URL ({path.name})")
        before = self.stored(resource, path)
        uid = metadata.get("uid") or None
        have = before.read()["metadata"]["uid"]
        if uid is not None and uid != have:
            raise status.foreign_uid(resource, before.key, name, str(uid), have)
        self._version(resource, before, metadata)
        return self._put(view, path, before, given, how)

    async def patch(self, asked: web.Request, view: View, path: ApiPath) -> tuple[int, Object, list[str]]:
        resource, how = view.resource, options_of(asked, "PatchOptions")
        if asked.content_type not in (merging.JSON_PATCH, merging.MERGE_PATCH, merging.STRATEGIC):
            raise status.patch_type()
        body = await body_of(asked)
        before = self.stored(resource, path)
        given = merging.patched(asked.content_type, self._shown(view, _full(view, before)), body)
        _right_kind(given, view)
        if not isinstance(given.get("metadata"), dict) or not given["metadata"].get("name"):
            raise status.bad_request("the name of the object (based on URL) was undeterminable: name must be provided")
        if given["metadata"]["name"] != path.name:
            raise status.bad_request(f"the name of the object ({given['metadata'].get('name')}) does not match the "
                                     f"name on the URL ({path.name})")
        self._version(resource, before, given["metadata"])
        return self._put(view, path, before, given, how)

    async def delete(self, asked: web.Request, view: View, path: ApiPath) -> tuple[int, Object, list[str]]:
        how = options_of(asked, "DeleteOptions")
        body = await body_of(asked)
        options = decoded(body, "DeleteOptions") if body.strip() else {}
        if "gracePeriodSeconds" in asked.query:
            options.setdefault("gracePeriodSeconds", int(asked.query["gracePeriodSeconds"] or 0))
        if how.dry:
            options = {**options, "dryRun": ["All"]}
        return 200, self.deletion(view, self.stored(view.resource, path), options), []

    # What they are made of

    def _version(self, resource: Resource, before: Stored, metadata: Object) -> None:
        """Raises the 409 of a stale resourceVersion; an absent one is unconditional but for some kinds."""
        version = metadata.get("resourceVersion")
        if version in (None, "", "0"):
            if resource.kind in _CONDITIONAL:
                raise status.invalid(
                    resource.name, before.name,
                    [("FieldValueInvalid", "metadata.resourceVersion",
                      "Invalid value: 0x0: must be specified for an update")], group=resource.group)
            return
        if not str(version).isdigit():
            raise status.internal(f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if int(version) != before.revision:
            raise status.conflict(resource, before.name)

    def _admitted(self, view: View, given: Object, before: Object | None, how: Write) -> list[str]:
        """Decoded, pruned, defaulted and validated in place; returns the warnings."""
        kind, minor = view.resource.kind, self.serving.catalogue.minor
        validation.decoded(kind, view.api_version.rpartition("/")[2], given)
        unknown = validation.prune(kind, given)
        if unknown and how.strict == "Strict" and minor >= _STRICT:
            said = ", ".join(f'unknown field "{one}"' for one in unknown)
            raise status.bad_request(f'{kind} in version "{view.api_version.rpartition("/")[2]}" cannot be handled as '
                                     f"a {kind}: strict decoding error: {said}")
        validation.normal(kind, given)
        validation.check(view.resource, kind, given, before)
        return ([f'unknown field "{one}"' for one in unknown]
                if minor >= _WARNS and how.strict != "Ignore" else [])

    def _put(self, view: View, path: ApiPath, before: Stored, given: Object, how: Write
             ) -> tuple[int, Object, list[str]]:
        resource, old = view.resource, before.read()
        warnings = self._admitted(view, given, old, how)
        obj = self._core(view, given, old)
        metadata = obj["metadata"]
        for own in ("uid", "creationTimestamp", "generation", "deletionTimestamp", "deletionGracePeriodSeconds",
                    "managedFields", "resourceVersion", "namespace"):
            if own in old["metadata"]:
                metadata[own] = old["metadata"][own]
            else:
                metadata.pop(own, None)
        status_only = path.subresource == "status"
        if status_only:
            obj = {**old, "kind": obj["kind"], "apiVersion": obj["apiVersion"], "status": obj.get("status", {}),
                   "metadata": {**old["metadata"], **{k: v for k, v in metadata.items() if k == "annotations"}}}
        elif "status" in old:
            obj["status"] = old["status"]
        self.grow(resource, old, obj, status_only)
        return 200, self._shown(view, self.commit(resource, path, before, obj, view.api_version, how)), warnings

    def grow(self, resource: Resource, old: Object, obj: Object, status_only: bool = False) -> None:
        """The generation rises with the spec, and for a Deployment with its annotations, which its ReplicaSets
        copy."""
        if resource.kind not in _GENERATIONS or status_only:
            return
        moved = obj.get("spec") != old.get("spec") or (resource.kind == "Deployment" and (
            obj["metadata"].get("annotations") or {}) != (old["metadata"].get("annotations") or {}))
        if moved:
            obj["metadata"]["generation"] = old["metadata"].get("generation", 0) + 1

    def commit(self, resource: Resource, path: ApiPath, before: Stored, obj: Object, api_version: str, how: Write
               ) -> Object:
        """Into the store, unless it is a dry run or changes nothing; returns the object as it is, or would be."""
        old = before.read()
        plain = {k: v for k, v in obj.items() if k not in ("kind", "apiVersion")}
        head = {"kind": resource.kind, "apiVersion": api_version}
        if plain == old:
            return {**head, **old}
        sub = path.subresource if self.serving.catalogue.minor >= 22 else ""
        managed_by = managed.entries(old, plain, how.manager, api_version, stamp(self.serving.clock()), sub)
        plain["metadata"] = {**plain["metadata"], **({"managedFields": managed_by} if managed_by else {})}
        if how.dry:
            return {**head, **deepcopy(plain)}
        self.serving.touch(resource, before.namespace, before.name)
        # Touching may have moved the object's owner from the story to the controllers, never the object itself.
        return self.store.apply({**head, **plain})

    def _core(self, view: View, given: Object, before: Object | None) -> Object:
        head = {"kind": view.resource.kind, "apiVersion": view.api_version}
        version = view.api_version.rpartition("/")[2]
        if conversion.converts(view.resource.kind, version):
            given = conversion.inward(version, given, before)
        return {**given, **head}

    def _shown(self, view: View, core: Mapping[str, Any]) -> Object:
        plain = {k: v for k, v in core.items() if k not in ("kind", "apiVersion")}
        return {"kind": view.resource.kind, "apiVersion": view.api_version, **view.convert(plain)}

    def deletion(self, view: View, before: Stored, options: Object) -> Object:
        """Raises the 409 of a precondition. Pods on a node go gracefully: they are marked, and gone later."""
        resource, obj = view.resource, before.read()
        asked = options.get("preconditions") or {}
        have = {"uid": ("UID", obj["metadata"]["uid"]), "resourceVersion": ("ResourceVersion", str(before.revision))}
        for key, (word, value) in have.items():
            if asked.get(key) is not None and asked[key] != value:
                raise status.precondition(resource.kind, before.name, word, str(asked[key]), value)
        dry = "All" in (options.get("dryRun") or [])
        details = {"name": before.name, "group": resource.group, "kind": resource.name, "uid": obj["metadata"]["uid"]}
        if resource.kind != "Pod":
            if not dry:
                self.serving.touch(resource, before.namespace, before.name)
                self.store.delete(resource.shelf, before.namespace, before.name)
            return status.success(details={k: v for k, v in details.items() if v})
        return self._pod_deletion(view, before, obj, options, dry)

    def _pod_deletion(self, view: View, before: Stored, obj: Object, options: Object, dry: bool) -> Object:
        metadata, now = obj["metadata"], self.serving.clock()
        grace = options.get("gracePeriodSeconds")
        if grace is None:
            grace = obj["spec"].get("terminationGracePeriodSeconds", 30)
        if not obj["spec"].get("nodeName") or obj["status"].get("phase") in ("Succeeded", "Failed"):
            grace = 0
        standing = metadata.get("deletionGracePeriodSeconds")
        shorter = standing is None or grace < standing
        if shorter:
            metadata["deletionTimestamp"] = stamp(now + timedelta(seconds=grace))
            metadata["deletionGracePeriodSeconds"] = grace
        shown = {"kind": "Pod", "apiVersion": "v1", **obj}
        if not dry and shorter:
            self.serving.touch(view.resource, before.namespace, before.name)
            shown = self.store.apply(shown)
            if grace == 0:
                self.store.delete("pods", before.namespace, before.name)
        return shown


def _full(view: View, stored: Stored) -> Object:
    return {"kind": view.resource.kind, "apiVersion": view.api_version, **stored.read()}


_NAMESPACES = Resource("", "namespaces", "Namespace", False, (("v1", 0, 999),))
_FIRST_STATUS: dict[str, Object] = {
    "Pod": {"phase": "Pending", "qosClass": "BestEffort"},
    "HorizontalPodAutoscaler": {"currentReplicas": 0, "desiredReplicas": 0},
    "PodDisruptionBudget": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
}
__all__ = ["Write", "Writer", "body_of", "decoded", "json_body", "options_of"]
