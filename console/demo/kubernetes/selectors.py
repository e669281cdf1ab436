"""Label and field selectors: which objects a list or a watch is about.

The label grammar is Kubernetes' own (equality, `in`, `notin`, existence, `gt`, `lt`); a field selector knows
only `=` and `!=` over the few fields a kind declares, and any other field is an error, not an empty answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_TOKEN = re.compile(r"\s*(==|!=|=|!|\(|\)|,|<|>|[^\s=!(),<>]+)")


class SelectorError(ValueError):
    """A selector that does not parse; the text is what the server answers with its 400."""


class Requirement(msgspec.Struct, frozen=True):
    key: str
    operator: str
    """One of: in, notin, exists, absent, gt, lt. Equality is `in` with one value."""
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.operator in ("gt", "lt"):
            try:
                have, limit = int(value or ""), int(self.values[0])
            except ValueError:
                return False
            return have > limit if self.operator == "gt" else have < limit
        if self.operator == "exists":
            return value is not None
        if self.operator == "absent":
            return value is None
        # An object without the label satisfies `!=` and `notin`.
        return (value in self.values) == (self.operator == "in")


def _check_key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if not _NAME.fullmatch(name) or (slash and not _PREFIX.fullmatch(prefix)) or len(prefix) > 253:
        raise SelectorError(
            f'key: Invalid value: "{key}": name part must consist of alphanumeric characters, '
            "'-', '_' or '.', and must start and end with an alphanumeric character"
        )
    return key


def _check_value(value: str) -> str:
    if value and not _NAME.fullmatch(value):
        raise SelectorError(
            f'values[0]: Invalid value: "{value}": a valid label must be an empty string or consist '
            "of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            "character"
        )
    return value


class _Labels:
    def __init__(self, text: str) -> None:
        self.tokens = [match.group(1) for match in _TOKEN.finditer(text)]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        self.at += 1
        return token

    @staticmethod
    def _word(token: str) -> bool:
        return bool(token) and token[0] not in "=!(),<>"

    def all(self) -> tuple[Requirement, ...]:
        found: list[Requirement] = []
        while self.peek():
            found.append(self.one())
            if self.peek() == ",":
                self.take()
                if not self._word(self.peek()) and self.peek() != "!":
                    raise SelectorError(f"found '{self.peek()}', expected: identifier after ','")
            elif self.peek():
                raise SelectorError(f"found '{self.peek()}', expected: ',' or 'end of string'")
        return tuple(found)

    def one(self) -> Requirement:
        if self.peek() == "!":
            self.take()
            return Requirement(self.key(), "absent")
        key = self.key()
        operator = self.peek()
        if operator in ("", ","):
            return Requirement(key, "exists")
        self.take()
        if operator in ("=", "==", "!="):
            value = _check_value(self.take()) if self._word(self.peek()) else ""
            return Requirement(key, "notin" if operator == "!=" else "in", (value,))
        if operator in (">", "<"):
            value = self.take()
            if not value.lstrip("-").isdigit():
                raise SelectorError(
                    f"values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must "
                    "be an integer"
                )
            return Requirement(key, "gt" if operator == ">" else "lt", (value,))
        if operator in ("in", "notin"):
            return Requirement(key, operator, self.values())
        raise SelectorError(f"found '{operator}', expected: in, notin, =, ==, !=, gt, lt")

    def key(self) -> str:
        token = self.take()
        if not self._word(token):
            raise SelectorError(f"found '{token}', expected: !, identifier, or 'end of string'")
        return _check_key(token)

    def values(self) -> tuple[str, ...]:
        if self.take() != "(":
            raise SelectorError(
                f"found '{self.tokens[self.at - 1] if self.at <= len(self.tokens) else ''}', expected: '('"
            )
        found: list[str] = []
        while True:
            token = self.take()
            if self._word(token):
                found.append(_check_value(token))
                token = self.take()
            else:
                found.append("")
            if token == ")":
                return tuple(found)
            if token != ",":
                raise SelectorError(f"found '{token}', expected: ',', or ')'")


def label_selector(text: str) -> tuple[Requirement, ...]:
    """Raises SelectorError. An empty text selects everything."""
    return _Labels(text).all()


_EVENT_FIELDS = {
    f"involvedObject.{part}": ("involvedObject", part)
    for part in ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
}
# Selectable fields beyond metadata.name and metadata.namespace: field label -> path in the object.
FIELDS: dict[str, dict[str, tuple[str, ...]]] = {
    "pods": {
        "spec.nodeName": ("spec", "nodeName"),
        "spec.restartPolicy": ("spec", "restartPolicy"),
        "spec.schedulerName": ("spec", "schedulerName"),
        "status.phase": ("status", "phase"),
        "spec.serviceAccountName": ("spec", "serviceAccountName"),
        "status.podIP": ("status", "podIP"),
        "status.nominatedNodeName": ("status", "nominatedNodeName"),
    },
    "nodes": {"spec.unschedulable": ("spec", "unschedulable")},
    "namespaces": {"status.phase": ("status", "phase")},
    "events": {
        **_EVENT_FIELDS,
        "reason": ("reason",),
        "type": ("type",),
        "source": ("source", "component"),
        "reportingComponent": ("reportingComponent",),
    },
    "replicasets.apps": {"status.replicas": ("status", "replicas")},
    "jobs.batch": {"status.successful": ("status", "successful")},
    "secrets": {"type": ("type",)},
}


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def fields_of(shelf: str, body: Mapping[str, Any]) -> dict[str, str]:
    """The selectable fields of an object; a field that is not set is the empty string, as selectors see
    it."""
    metadata = body["metadata"]
    found = {"metadata.name": metadata["name"], "metadata.namespace": metadata.get("namespace", "")}
    for label, path in FIELDS.get(shelf, {}).items():
        value: Any = body
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        found[label] = _text(value)
    if shelf == "nodes":
        found["spec.unschedulable"] = found["spec.unschedulable"] or "false"
    if shelf == "events":
        found["source"] = found["source"] or found["reportingComponent"]
    return found


class FieldRequirement(msgspec.Struct, frozen=True):
    field: str
    value: str
    equal: bool

    def matches(self, fields: Mapping[str, str]) -> bool:
        return (fields.get(self.field, "") == self.value) == self.equal


def _split(text: str) -> list[str]:
    """At commas that are not escaped."""
    return [part for part in re.split(r"(?<!\\),", text) if part]


def field_selector(
    text: str, shelf: str, kind: str, new_events: bool = False
) -> tuple[FieldRequirement, ...]:
    """`new_events`: the selector was sent to events.k8s.io, where `regarding` is what core calls
    `involvedObject`. Raises SelectorError."""
    known = {"metadata.name", "metadata.namespace", *FIELDS.get(shelf, {})}
    found = []
    for part in _split(text):
        match = re.match(r"((?:[^=!\\]|\\.)*?)(!=|==|=)(.*)\Z", part, re.DOTALL)
        if match is None:
            raise SelectorError(f'invalid selector: "{text}"; can\'t understand "{part}"')
        field, operator, raw = match.groups()
        if re.search(r"(?<!\\)=", raw):
            raise SelectorError(f'invalid field selector: unescaped "=" in value of "{part}"')
        field, value = field.strip(), re.sub(r"\\(.)", r"\1", raw)
        if new_events:
            field = re.sub(r"^regarding\.", "involvedObject.", field)
            field = "reportingComponent" if field == "reportingController" else field
        if field not in known:
            if shelf in FIELDS:
                raise SelectorError(f"field label not supported: {field}")
            raise SelectorError(
                f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
            )
        found.append(FieldRequirement(field, value, operator != "!="))
    return tuple(found)


class Selection(msgspec.Struct, frozen=True):
    """What a list or watch asks for; `namespace` None is the whole cluster."""

    namespace: str | None = None
    labels: tuple[Requirement, ...] = ()
    fields: tuple[FieldRequirement, ...] = ()

    @property
    def whole(self) -> bool:
        """True when no selector narrows it, so that a remaining count can be known."""
        return not self.labels and not self.fields

    def matches(self, namespace: str, labels: Mapping[str, str], fields: Mapping[str, str]) -> bool:
        if self.namespace is not None and namespace != self.namespace:
            return False
        return all(one.matches(labels) for one in self.labels) and all(
            one.matches(fields) for one in self.fields
        )
