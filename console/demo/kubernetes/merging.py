"""The three patch formats: RFC 6902, RFC 7396 and Kubernetes' own strategic merge. Pure: documents in, a new one out.

Refusals are the server's: a JSON patch whose `test` fails, or whose path is not there, is a 422 with no details,
which is why a client cannot tell from the answer which operation it was.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import msgspec

from console.demo.kubernetes import status
from console.demo.kubernetes.status import ApiError

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
MAX_OPERATIONS = 10_000
"""As in the server's own limit for one JSON patch."""

# The merge keys of the lists in the kinds that are written here; every other list is replaced whole. Paths end in
# these names; `ports` of a container and of a Service have the same first key.
_MERGE_KEY = {
    "containers": "name", "initContainers": "name", "ephemeralContainers": "name", "env": "name",
    "ports": "containerPort", "volumeMounts": "mountPath", "volumeDevices": "devicePath", "volumes": "name",
    "conditions": "type", "taints": "key", "addresses": "type", "imagePullSecrets": "name", "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey", "ownerReferences": "uid",
}
_SET_LISTS = {"finalizers"}


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    found = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = merge(found.get(key), value)
    return found


def strategic(target: Any, patch: Any, path: tuple[str, ...] = ()) -> Any:
    """Strategic merge: maps by key, known lists by their merge key, with the `$patch`, `$retainKeys`,
    `$setElementOrder/` and `$deleteFromPrimitiveList/` directives. Raises ApiError 422/500 as the server does."""
    if not isinstance(patch, dict):
        return deepcopy(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return deepcopy({k: v for k, v in patch.items() if k != "$patch"})
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise ApiError(500, status.status(500, f"Unknown patch type found: {directive}"))
    found = dict(target) if isinstance(target, dict) else {}
    retain = patch.get("$retainKeys")
    if isinstance(retain, list):
        found = {k: v for k, v in found.items() if k in retain}
    for key, value in patch.items():
        if key in ("$patch", "$retainKeys") or key.startswith("$setElementOrder/"):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            found[name] = [one for one in found.get(name) or [] if one not in (value or [])]
        elif value is None:
            found.pop(key, None)
        elif isinstance(value, list):
            found[key] = _strategic_list(found.get(key), value, key, (*path, key))
        else:
            found[key] = strategic(found.get(key), value, (*path, key))
    return found


def _strategic_list(target: Any, patch: list[Any], name: str, path: tuple[str, ...]) -> list[Any]:
    have: list[Any] = list(target) if isinstance(target, list) else []
    if name in _SET_LISTS:
        return have + [deepcopy(one) for one in patch if one not in have]
    key = _MERGE_KEY.get(name)
    if key == "containerPort" and "containers" not in path and "initContainers" not in path:
        key = "port"
    if key is None or not all(isinstance(one, dict) for one in patch):
        return deepcopy(patch)
    if any(one.get("$patch") == "replace" for one in patch):
        return [deepcopy(one) for one in patch if "$patch" not in one]
    new: list[Any] = []
    for one in patch:
        if key not in one:
            raise ApiError(500, status.status(
                500, f"map: {_go(one)} does not contain declared merge key: {key}"))
        at = next((n for n, other in enumerate(have) if other.get(key) == one[key]), None)
        if one.get("$patch") == "delete":
            have = [other for other in have if other.get(key) != one[key]]
        elif at is None:
            new.append(strategic({}, one, path))
        else:
            have[at] = strategic(have[at], one, path)
    # The server's order: what the patch adds comes first, in the patch's order.
    return new + have


def _go(value: dict[str, Any]) -> str:
    return "map[" + " ".join(f"{k}:{v}" for k, v in sorted(value.items())) + "]"


class _Rejected(Exception):
    """An operation that does not apply."""


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902. Raises the 422 when an operation does not apply, the 400 when the patch is no patch."""
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise status.bad_request("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
    if len(operations) > MAX_OPERATIONS:
        raise status.too_many_operations(MAX_OPERATIONS, len(operations))
    found = deepcopy(target)
    try:
        for one in operations:
            found = _operate(found, one)
    except _Rejected:
        raise status.rejected_patch() from None
    return found


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise _Rejected
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _step(node: Any, part: str) -> Any:
    if isinstance(node, dict) and part in node:
        return node[part]
    if isinstance(node, list) and part.isdigit() and int(part) < len(node):
        return node[int(part)]
    raise _Rejected


def _read(document: Any, path: list[str]) -> Any:
    for part in path:
        document = _step(document, part)
    return document


def _add(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _read(document, path[:-1])
    last = path[-1]
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and (last == "-" or (last.isdigit() and int(last) <= len(parent))):
        parent.insert(len(parent) if last == "-" else int(last), value)
    else:
        raise _Rejected
    return document


def _remove(document: Any, path: list[str]) -> Any:
    if not path:
        raise _Rejected
    _read(document, path)
    parent, last = _read(document, path[:-1]), path[-1]
    del parent[int(last) if isinstance(parent, list) else last]
    return document


def _operate(document: Any, one: dict[str, Any]) -> Any:
    path = _pointer(one.get("path"))
    match one.get("op"):
        case "add":
            return _add(document, path, deepcopy(one.get("value")))
        case "remove":
            return _remove(document, path)
        case "replace":
            _read(document, path)
            return _add(_remove(document, path), path, deepcopy(one.get("value"))) if path else one.get("value")
        case "move":
            source = _pointer(one.get("from"))
            moved = _read(document, source)
            return _add(_remove(document, source), path, moved)
        case "copy":
            return _add(document, path, deepcopy(_read(document, _pointer(one.get("from")))))
        case "test":
            # A missing member equals null, as in the library the server uses; what it would be a member of must be there.
            within = _read(document, path[:-1])
            try:
                have = _step(within, path[-1]) if path else document
            except _Rejected:
                have = None
            if not _same(have, one.get("value")):
                raise _Rejected
            return document
    raise _Rejected


def _same(one: Any, other: Any) -> bool:
    """JSON equality: true is not 1."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(v, other[k]) for k, v in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)


def patched(content_type: str, document: dict[str, Any], body: bytes) -> dict[str, Any]:
    """`document` after the patch in `body`. Raises ApiError 400, 415, 422."""
    if content_type not in (JSON_PATCH, MERGE_PATCH, STRATEGIC):
        raise status.patch_type()
    try:
        found = _applied(content_type, document, msgspec.json.decode(body))
    except msgspec.DecodeError as error:
        raise status.bad_request(_parse_error(body, str(error))) from None
    except RecursionError:
        raise status.bad_request("exceeded max depth") from None
    if not isinstance(found, dict):
        raise status.rejected_patch()
    return found


def _applied(content_type: str, document: dict[str, Any], patch: Any) -> Any:
    if content_type == JSON_PATCH:
        return json_patch(document, patch)
    if not isinstance(patch, dict):
        kind = "array" if isinstance(patch, list) else type(patch).__name__
        raise status.bad_request(f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}")
    return strategic(document, patch) if content_type == STRATEGIC else merge(document, patch)


def _parse_error(body: bytes, said: str) -> str:
    text = body.decode(errors="replace").strip()
    if not text or "truncated" in said:
        return "unexpected end of JSON input"
    if text.startswith("{") and len(text) > 1 and text[1:].lstrip()[:1] not in ('"', "}"):
        return f"invalid character '{text[1:].lstrip()[:1]}' looking for beginning of object key string"
    return f"invalid character in JSON input: {said}"
