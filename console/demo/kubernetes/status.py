"""Refusals in the API's own form: a `Status` object, or the plain text of the path router.

Messages follow a real server word for word where recordings show them, since operators search for them;
clients must still go by code and reason.
"""

from __future__ import annotations

from typing import Any

import msgspec

from console.demo.kubernetes.resources import Resource

JSON = "application/json"
_encode = msgspec.json.encode


def status(
    code: int,
    message: str,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """`reason` None leaves the key out, as a server does for errors it has no word for."""
    body: dict[str, Any] = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata or {},
        "status": "Failure",
        "message": message,
    }
    if reason is not None:
        body["reason"] = reason
    if details is not None:
        body["details"] = details
    body["code"] = code
    return body


class ApiError(Exception):
    """A request that ends here. `text` is set for the router's plain answers, which are no Status at all."""

    def __init__(
        self,
        code: int,
        body: dict[str, Any] | None = None,
        text: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(text or (body or {}).get("message", ""))
        self.code = code
        self.body = body
        self.text = text
        self.headers = headers or {}

    @property
    def payload(self) -> bytes:
        return self.text.encode() if self.text is not None else _encode(self.body) + b"\n"

    @property
    def content_type(self) -> str:
        return JSON if self.text is None else "text/plain; charset=utf-8"


def _error(
    code: int,
    message: str,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
    metadata: dict[str, Any] | None = None,
) -> ApiError:
    return ApiError(code, status(code, message, reason, details, metadata))


def page_not_found() -> ApiError:
    """A path or group no handler is registered for: text, not JSON."""
    return ApiError(404, text="404 page not found\n")


def unknown_resource() -> ApiError:
    """A version or resource that a known group does not have."""
    return _error(404, "the server could not find the requested resource", "NotFound", {})


def not_found(resource: Resource, name: str) -> ApiError:
    details = {"name": name, "group": resource.group, "kind": resource.name}
    return _error(
        404, f'{resource.qualified} "{name}" not found', "NotFound", {k: v for k, v in details.items() if v}
    )


def unauthorized() -> ApiError:
    return _error(401, "Unauthorized", "Unauthorized")


def forbidden(
    user: str, verb: str, resource: Resource, subresource: str, namespace: str, name: str
) -> ApiError:
    what = f'{resource.qualified} "{name}"' if name else resource.qualified
    asked = f"{resource.name}/{subresource}" if subresource else resource.name
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    details = {"name": name, "group": resource.group, "kind": resource.name}
    return _error(
        403,
        f'{what} is forbidden: User "{user}" cannot {verb} resource "{asked}" in API group '
        f'"{resource.group}" {where}',
        "Forbidden",
        {k: v for k, v in details.items() if v},
    )


def forbidden_path(user: str, verb: str, path: str) -> ApiError:
    return _error(403, f'forbidden: User "{user}" cannot {verb} path "{path}"', "Forbidden", {})


def bad_request(message: str) -> ApiError:
    return _error(400, message, "BadRequest")


def bad_version(value: str) -> ApiError:
    """A resourceVersion that is no number: a 500 without a reason, not the 400 one would expect."""
    return _error(
        500,
        f'resourceVersion: Invalid value: "{value}": strconv.ParseUint: parsing "{value}": invalid syntax',
    )


def invalid(
    kind: str, name: str, causes: list[tuple[str, str, str]], group: str = "", subject: str | None = None
) -> ApiError:
    """`causes` are (reason, field, message). `subject` overrides the kind as the message spells it."""
    texts = [f"{field}: {message}" for _, field, message in causes]
    said = texts[0] if len(texts) == 1 else "[" + ", ".join(texts) + "]"
    details: dict[str, Any] = {"name": name, "group": group, "kind": kind}
    details = {k: v for k, v in details.items() if v}
    details["causes"] = [{"reason": r, "message": m, "field": f} for r, f, m in causes]
    what = subject if subject is not None else (f"{kind}.{group}" if group else kind)
    return _error(422, f'{what} "{name}" is invalid: {said}', "Invalid", details)


def too_large(asked: int, current: int) -> ApiError:
    """A list at a version this server has not reached, after it waited for it."""
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    error = _error(
        504, f"Timeout: Too large resource version: {asked}, current: {current}", "Timeout", details
    )
    error.headers["Retry-After"] = "1"
    return error


def list_expired() -> ApiError:
    return _error(410, "The resourceVersion for the provided list is too old.", "Expired")


def continue_expired(token: str) -> ApiError:
    """`token` continues after the last key at the current state, at the price of consistency."""
    return _error(
        410,
        "The provided continue parameter is too old to display a consistent list result. You can start "
        "a new list without the continue parameter, or use the continue token in this response to "
        "retrieve the remainder of the results. Continuing with the provided token results in an "
        "inconsistent list - objects that were created, modified, or deleted between the time the "
        "first chunk was returned and now may show up in the list.",
        "Expired",
        metadata={"continue": token},
    )


def watch_expired(message: str) -> dict[str, Any]:
    """The object of the in-stream ERROR event; the response's own status stays 200."""
    return status(410, message, "Expired")


def method_not_allowed() -> ApiError:
    return _error(
        405, "the server does not allow this method on the requested resource", "MethodNotAllowed", {}
    )


def conflict(resource: Resource, name: str, why: str = "") -> ApiError:
    """The object moved on since it was read, or `why`."""
    said = why or "the object has been modified; please apply your changes to the latest version and try again"
    details = {"name": name, "group": resource.group, "kind": resource.name}
    return _error(409, f'Operation cannot be fulfilled on {resource.qualified} "{name}": {said}', "Conflict",
                  {k: v for k, v in details.items() if v})


def precondition(kind: str, name: str, what: str, asked: str, have: str) -> ApiError:
    """Of a deletion: `what` is UID or ResourceVersion. Named by kind, not by resource, as the real one does."""
    tail = ("The object might have been deleted and then recreated" if what == "UID"
            else "The object might have been modified")
    return _error(
        409,
        f'Operation cannot be fulfilled on {kind} "{name}": the {what} in the precondition ({asked}) does not match '
        f"the {what} in record ({have}). {tail}",
        "Conflict", {"name": name, "kind": kind})


def foreign_uid(resource: Resource, key: str, name: str, asked: str, have: str) -> ApiError:
    """An update that names another uid than the stored object has."""
    return conflict(resource, name, f"StorageError: invalid object, Code: 4, Key: /registry/{resource.name}/{key}, "
                    "ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: "
                    f"{asked}, UID in object meta: {have}")


def already_exists(resource: Resource, name: str) -> ApiError:
    details = {"name": name, "group": resource.group, "kind": resource.name}
    return _error(409, f'{resource.qualified} "{name}" already exists', "AlreadyExists",
                  {k: v for k, v in details.items() if v})


def rejected_patch() -> ApiError:
    """A JSON patch operation that does not apply, `test` included: nothing says which."""
    return _error(422, "the server rejected our request due to an error in our request", "Invalid", {})


def too_many_operations(limit: int, count: int) -> ApiError:
    return _error(413, f"Request entity too large: The allowed maximum operations in a JSON patch is {limit}, "
                  f"got {count}", "RequestEntityTooLarge", {})


def patch_type() -> ApiError:
    return _error(415, "415: Unsupported Media Type", "UnsupportedMediaType", {})


def body_type() -> ApiError:
    return _error(
        415,
        "the body of the request was in an unknown format - accepted media types include: application/json, "
        "application/yaml, application/vnd.kubernetes.protobuf",
        "UnsupportedMediaType",
    )


def internal(message: str) -> ApiError:
    """A 500 without a reason."""
    return _error(500, message)


def disruption_budget(why: str) -> ApiError:
    """An eviction the budget does not allow; no Retry-After but for a budget that is not processed yet."""
    return _error(429, "Cannot evict pod as it would violate the pod's disruption budget.", "TooManyRequests",
                  {"causes": [{"reason": "DisruptionBudget", "message": why}]})


def success(code: int | None = None, details: dict[str, Any] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if details is not None:
        body["details"] = details
    if code is not None:
        body["code"] = code
    return body
