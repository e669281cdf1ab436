"""The scale subresource: one number of a workload, with the workload's own resourceVersion as its precondition."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from console.demo.kubernetes import merging, status, validation
from console.demo.kubernetes.request import ApiPath
from console.demo.kubernetes.resources import Resource
from console.demo.kubernetes.store import Stored
from console.demo.kubernetes.views import View
from console.demo.kubernetes.writing import Write, Writer, body_of, json_body, options_of

Object = dict[str, Any]


def scale(workload: Mapping[str, Any]) -> Object:
    """autoscaling/v1 Scale of a workload."""
    meta, spec = workload["metadata"], workload["spec"]
    kept = {k: meta[k] for k in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    labels = spec["selector"].get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": kept,
        "spec": {"replicas": spec["replicas"]} if spec.get("replicas") else {},
        "status": {
            "replicas": workload["status"].get("replicas", 0),
            "selector": ",".join(f"{k}={v}" for k, v in sorted(labels.items())),
        },
    }


def missing(resource: Resource, name: str) -> status.ApiError:
    """The 404 names the subresource, as the real one does."""
    return status.ApiError(404, status.status(
        404, f'{resource.name}/scale.{resource.group} "{name}" not found', "NotFound",
        {"name": name, "group": resource.group, "kind": f"{resource.name}/scale"}))


async def answer(asked: web.Request, writer: Writer, view: View, path: ApiPath) -> Object:
    """GET, PUT or PATCH. Raises ApiError."""
    resource = view.resource
    if asked.method in ("GET", "HEAD"):
        return scale(_stored(writer, resource, path).read())
    if asked.method == "PUT":
        how = options_of(asked, "UpdateOptions")
        given = await json_body(asked, "Scale")
        before = _stored(writer, resource, path)
    elif asked.method == "PATCH":
        how = options_of(asked, "PatchOptions")
        if asked.content_type not in (merging.JSON_PATCH, merging.MERGE_PATCH, merging.STRATEGIC):
            raise status.patch_type()
        body = await body_of(asked)
        before = _stored(writer, resource, path)
        given = merging.patched(asked.content_type, scale(before.read()), body)
    else:
        raise status.method_not_allowed()
    return _apply(writer, view, path, before, given, how)


def _stored(writer: Writer, resource: Resource, path: ApiPath) -> Stored:
    found = writer.store.get(resource.shelf, path.namespace, path.name)
    if found is None:
        raise missing(resource, path.name)
    return found


def _apply(writer: Writer, view: View, path: ApiPath, before: Stored, given: Object, how: Write) -> Object:
    resource, old = view.resource, before.read()
    if given.get("kind", "Scale") != "Scale":
        raise status.bad_request(f"the object provided is not a Scale but a {given.get('kind')}")
    validation.decoded("Scale", "v1", given)
    metadata = given["metadata"]
    if metadata.get("name", path.name) != path.name:
        raise status.bad_request(
            f"the name of the object ({metadata.get('name')}) does not match the name on the URL ({path.name})")
    uid = metadata.get("uid") or None
    if uid is not None and uid != old["metadata"]["uid"]:
        raise status.foreign_uid(resource, before.key, path.name, str(uid), old["metadata"]["uid"])
    version = metadata.get("resourceVersion") or None
    if version is not None:
        if not str(version).isdigit():
            raise status.internal(f'strconv.ParseUint: parsing "{version}": invalid syntax')
        if int(version) != before.revision:
            raise status.conflict(resource, path.name)
    replicas = given.get("spec", {}).get("replicas") or 0
    if replicas < 0:
        raise status.invalid("Scale", path.name, [(
            "FieldValueInvalid", "spec.replicas",
            f"Invalid value: {replicas}: must be greater than or equal to 0")], group="autoscaling")
    obj: Object = {**old, "metadata": dict(old["metadata"]), "spec": {**old["spec"], "replicas": replicas}}
    writer.grow(resource, old, obj)
    return scale(writer.commit(resource, path, before, obj, view.api_version, how))
