"""The query of a list or watch, checked the way the server of that minor version checks it.

What is refused here is refused before anything is read: a bad selector is 400, a forbidden combination 422, a
resourceVersion that is no number 500.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from console.demo.kubernetes import status
from console.demo.kubernetes.resources import Resource
from console.demo.kubernetes.selectors import Selection, SelectorError, field_selector, label_selector

EXACT, NOT_OLDER = "Exact", "NotOlderThan"
# From this minor on the server knows sendInitialEvents (and refuses it while the WatchList gate is off).
_KNOWS_INITIAL_EVENTS = 27


class ListOptions(msgspec.Struct, frozen=True):
    selection: Selection
    limit: int = 0
    """0: no limit."""
    token: str = ""
    version: str = ""
    """resourceVersion: empty, or a number."""
    match: str = ""
    watch: bool = False
    timeout_s: float | None = None
    bookmarks: bool = False
    initial_events: bool = False
    """A streaming list: existing objects first, then a bookmark that says they are all there."""


def truth(value: str | None) -> bool:
    """As the API reads a boolean query: present and not one of false, 0."""
    return value is not None and value.lower() not in ("false", "0")


def number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise status.bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None


def parse(
    query: Mapping[str, str],
    resource: Resource,
    namespace: str | None,
    name: str,
    minor: int,
    watch_list: bool,
) -> ListOptions:
    """`name`: a watch of one object by its path is a watch with metadata.name selected. Raises ApiError."""
    try:
        labels = label_selector(query.get("labelSelector", ""))
        fields = field_selector(
            query.get("fieldSelector", ""), resource.shelf, resource.kind, resource.group == "events.k8s.io"
        )
        if name:
            fields += field_selector(f"metadata.name={name}", resource.shelf, resource.kind)
    except SelectorError as error:
        raise status.bad_request(str(error)) from None
    watch = truth(query.get("watch"))
    initial = query.get("sendInitialEvents") if minor >= _KNOWS_INITIAL_EVENTS else None
    match, version, token = (
        query.get("resourceVersionMatch", ""),
        query.get("resourceVersion", ""),
        query.get("continue", ""),
    )
    causes = (
        _watch_causes(match, version, initial, minor, watch_list)
        if watch
        else _list_causes(match, version, token, initial)
    )
    if causes:
        raise status.invalid("ListOptions", "", causes, group="meta.k8s.io")
    if version and not version.isdigit():
        raise status.bad_version(version)
    limit, timeout = number(query, "limit") or 0, number(query, "timeoutSeconds")
    return ListOptions(
        Selection(namespace, labels, fields),
        max(limit, 0),
        token,
        version,
        match,
        watch,
        float(timeout) if timeout else None,
        truth(query.get("allowWatchBookmarks")),
        watch and truth(initial),
    )


def _forbidden(field: str, message: str) -> tuple[str, str, str]:
    return "FieldValueForbidden", field, f"Forbidden: {message}"


def _unsupported(match: str) -> tuple[str, str, str]:
    return (
        "FieldValueNotSupported",
        "resourceVersionMatch",
        f'Unsupported value: "{match}": supported values: "{EXACT}", "{NOT_OLDER}", ""',
    )


def _list_causes(match: str, version: str, token: str, initial: str | None) -> list[tuple[str, str, str]]:
    causes = []
    if match:
        field = "resourceVersionMatch"
        if not version:
            causes.append(_forbidden(field, f"{field} is forbidden unless resourceVersion is provided"))
        if token:
            causes.append(_forbidden(field, f"{field} is forbidden when continue is provided"))
        if match not in (EXACT, NOT_OLDER):
            causes.append(_unsupported(match))
        if match == EXACT and version == "0":
            causes.append(_forbidden(field, f'{field} "exact" is forbidden for resourceVersion "0"'))
    if initial is not None:
        causes.append(_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return causes


def _watch_causes(
    match: str, version: str, initial: str | None, minor: int, watch_list: bool
) -> list[tuple[str, str, str]]:
    causes = []
    field = "resourceVersionMatch"
    if minor < _KNOWS_INITIAL_EVENTS:
        if match:
            causes.append(_forbidden(field, f"{field} is forbidden for watch"))
            if not version:
                causes.append(_forbidden(field, f"{field} is forbidden unless resourceVersion is provided"))
        return causes
    if initial is not None:
        if match != NOT_OLDER:
            causes.append(_forbidden(field, f"sendInitialEvents requires setting {field} to {NOT_OLDER}"))
        if not watch_list:
            causes.append(
                _forbidden(
                    "sendInitialEvents",
                    "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
                )
            )
    if match:
        if initial is None:
            causes.append(
                _forbidden(field, f"{field} is forbidden for watch unless sendInitialEvents is provided")
            )
        if match != NOT_OLDER:
            causes.append(_unsupported(match))
    return causes
