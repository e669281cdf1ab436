"""metadata.managedFields: who set which field last, as far as an ordinary (not server-side-apply) write records it.

Computed from the difference between the old and the new object: what changed goes to the writer's entry and leaves
everybody else's. Objects nobody wrote to since the start carry no entries, as on a server whose fields were stripped.
"""

from __future__ import annotations

import json
from typing import Any

_KEYS = {"containers": ("name",), "initContainers": ("name",), "env": ("name",), "volumes": ("name",),
         "ports": ("containerPort", "protocol"), "conditions": ("type",), "addresses": ("type",),
         "volumeMounts": ("mountPath",)}
_OWN = ("name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink",
        "deletionTimestamp", "deletionGracePeriodSeconds", "generateName")
# What the API's types call a struct that is always there, and so nobody sets as such.
_STRUCTS = ("", "metadata", "spec", "status", "template", "strategy")
Fields = dict[str, Any]


def _changed(before: Any, after: Any, name: str) -> Fields | None:
    """The field set of what differs; None when nothing does, {} for a leaf."""
    if before == after:
        return None
    if isinstance(after, dict):
        had = before if isinstance(before, dict) else {}
        found: Fields = {} if isinstance(before, dict) or name in _STRUCTS else {".": {}}
        for key, value in after.items():
            inner = _changed(had.get(key), value, key)
            if inner is not None:
                found[f"f:{key}"] = inner
        return found if found else None
    keys = _KEYS.get(name)
    if isinstance(after, list) and keys and all(isinstance(one, dict) for one in after):
        old = {_key(one, keys): one for one in before} if isinstance(before, list) else {}
        found = {} if isinstance(before, list) else {".": {}}
        for one in after:
            inner = _changed(old.get(_key(one, keys)), one, "")
            if inner is not None:
                found[_key(one, keys)] = inner
        return found if found else None
    return {}


def _key(one: dict[str, Any], keys: tuple[str, ...]) -> str:
    return "k:" + json.dumps({k: one[k] for k in sorted(keys) if k in one}, separators=(",", ":"))


def _without(fields: Fields, taken: Fields) -> Fields:
    """What is left to a manager when another sets `taken`."""
    found: Fields = {}
    for key, value in fields.items():
        if key not in taken or (key == "." and value == {}):
            found[key] = value
        elif value and taken[key]:
            left = _without(value, taken[key])
            if set(left) - {"."} or "." in value:
                found[key] = left
    return found


def _alive(fields: Fields, value: Any, name: str = "") -> Fields:
    """Without what is no longer in the object: nobody owns what is not there."""
    found: Fields = {}
    for key, inner in fields.items():
        if key == ".":
            found[key] = inner
            continue
        kind, _, text = key.partition(":")
        if kind == "f":
            there = isinstance(value, dict) and text in value
            below = value[text] if there else None
        elif kind == "v":
            there, below = isinstance(value, list) and json.loads(text) in value, None
        else:
            keys = _KEYS.get(name, ())
            below = next((one for one in value if _key(one, keys) == key), None) if isinstance(value, list) else None
            there = below is not None
        if there:
            left = _alive(inner, below, text) if inner else inner
            if left or not inner:
                found[key] = left
    return found


def entries(before: dict[str, Any] | None, after: dict[str, Any], manager: str, api_version: str, at: str,
            subresource: str = "") -> list[dict[str, Any]]:
    """The managedFields of `after`, written by `manager` over `before`; both without their head."""
    def own(one: dict[str, Any]) -> dict[str, Any]:
        metadata = {k: v for k, v in one.get("metadata", {}).items() if k not in _OWN}
        return {**{k: v for k, v in one.items() if k not in ("kind", "apiVersion")}, "metadata": metadata}

    standing: list[dict[str, Any]] = list((before or {}).get("metadata", {}).get("managedFields") or [])
    fields = _changed(own(before) if before is not None else {"metadata": {}}, own(after), "") or {}
    if not fields and before is not None and own(before) == own(after):
        return standing
    found = []
    mine: Fields = {}
    dated = at
    for one in standing:
        kept = _alive(one.get("fieldsV1", {}), after)
        if (one.get("manager"), one.get("operation"), one.get("subresource", "")) == (manager, "Update", subresource):
            mine, dated = kept, one.get("time", at) if kept == one.get("fieldsV1") and not fields else at
        elif left := _without(kept, fields):
            found.append({**one, "fieldsV1": left})
    if not fields and not mine:
        return found
    entry: dict[str, Any] = {"manager": manager, "operation": "Update", "apiVersion": api_version, "time": dated,
                             "fieldsType": "FieldsV1", "fieldsV1": _joined(mine, fields)}
    if subresource:
        entry["subresource"] = subresource
    return sorted([*found, entry], key=lambda one: (one.get("time", ""), one.get("manager", "")))


def _joined(one: Fields, other: Fields) -> Fields:
    found = dict(one)
    for key, value in other.items():
        found[key] = _joined(found[key], value) if key in found else value
    return found
