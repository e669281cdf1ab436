"""`sort` and `search_after`: keys that compare ascending whatever the order asked for."""

from __future__ import annotations

from typing import Any

import msgspec

from console.demo.elasticsearch.dates import MS, check_format, parse_date, spell
from console.demo.elasticsearch.documents import FIELDS, Document, Field, Value
from console.demo.elasticsearch.errors import EsError, illegal, parsing

Key = tuple[Any, ...]


class Reversed:
    """A string that sorts last to first."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __lt__(self, other: Reversed) -> bool:
        return other.text < self.text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reversed) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)


class SortField(msgspec.Struct, frozen=True):
    """One level of a sort. `field` None is `_shard_doc`, `_doc` or `_score` by `name`; `format` only on
    dates."""

    name: str
    field: Field | None
    descending: bool = False
    format: str | None = None
    missing_first: bool = False

    def value(self, document: Document) -> Value:
        """The raw sort value; None where the document has none."""
        if self.field is not None:
            return self.field.read(document)
        return 1 if self.name == "_score" else document.shard_doc

    def shown(self, value: Value) -> Value | float:
        """As it appears in a hit's `sort`."""
        if self.name == "_score" and value is not None:
            return float(value)
        if value is not None and self.format is not None and self.field is not None:
            return spell(int(value) * (MS if self.field.type == "date" else 1), self.format)
        return value

    def key(self, value: Value) -> Key:
        """Compares ascending."""
        if value is None:
            return (0 if self.missing_first else 2,)
        if isinstance(value, str):
            return (1, Reversed(value) if self.descending else value)
        return (1, -value if self.descending else value)

    def parse(self, given: object, now_ns: int) -> Value:
        """A search_after value back to a raw one. Raises EsError (400) when it is not of the field's type."""
        if given is None:
            return None
        if self.field is None or self.field.is_date:
            if isinstance(given, int) and not isinstance(given, bool):
                return given
            if self.field is not None and isinstance(given, str):
                unit = MS if self.field.type == "date" else 1
                if self.format is None and given.lstrip("-").isdigit():
                    return int(given)
                return parse_date(given, now_ns, (self.format,) if self.format else ()) // unit
            if self.name == "_score" and isinstance(given, float):
                return round(given)
            raise illegal(f"Failed to parse search_after value for field [{self.name}]: [{given}]")
        if not isinstance(given, str):
            raise illegal(f"Failed to parse search_after value for field [{self.name}]: [{given}]")
        return given


def sort_fields(body: object, in_pit: bool) -> tuple[SortField, ...]:
    """The levels of a `sort`; in a PIT a last `_shard_doc` is added unless it is there, as Elasticsearch
    does.

    Raises EsError (400) for an unmapped field, for text, and for `_shard_doc` outside a PIT.
    """
    if body is None:
        return ()
    listed = body if isinstance(body, list) else [body]
    levels = tuple(_level(one) for one in listed)
    if not levels:
        return ()
    if any(level.name == "_shard_doc" for level in levels):
        if not in_pit:
            raise EsError(
                400,
                "action_request_validation_exception",
                "Validation Failed: 1: [_shard_doc] sort field cannot be used without [point in time];",
            )
        return levels
    return (*levels, SortField("_shard_doc", None)) if in_pit else levels


def _level(one: object) -> SortField:
    if isinstance(one, str):
        return _made(one, {"order": "desc"} if one == "_score" else {})
    if not isinstance(one, dict) or len(one) != 1:
        raise illegal(
            "malformed sort format, within the sort array, an object, or an actual string are allowed"
        )
    name, options = next(iter(one.items()))
    if isinstance(options, str):
        options = {"order": options}
    if not isinstance(options, dict):
        raise illegal(f"malformed sort of [{name}]")
    return _made(str(name), options)


def _made(name: str, options: dict[str, Any]) -> SortField:
    for key in options:
        if key not in ("order", "format", "missing", "unmapped_type", "numeric_type", "mode"):
            raise parsing(f"[field_sort] unknown field [{key}]")
    order = str(options.get("order", "desc" if name == "_score" else "asc")).lower()
    if order not in ("asc", "desc"):
        raise illegal(f"No enum constant org.elasticsearch.search.sort.SortOrder.{order.upper()}")
    descending = order == "desc"
    if name in ("_shard_doc", "_doc", "_score"):
        return SortField(name, None, descending)
    field = FIELDS.get(name)
    if field is None:
        if "unmapped_type" in options:
            return SortField(name, Field(name, "keyword", lambda d: None), descending)
        raise EsError(
            400, "query_shard_exception", f"No mapping found for [{name}] in order to sort on", phase=True
        )
    if field.type == "match_only_text":
        raise illegal(f"Fielddata is not supported on field [{name}] of type [match_only_text]", phase=True)
    if options.get("numeric_type") not in (None, field.type):
        raise illegal(f"numeric_type [{options['numeric_type']}] of [{name}] is not supported by this server")
    missing = options.get("missing", "_last")
    if missing not in ("_last", "_first"):
        raise illegal(f"missing [{missing}] is not supported by this server, only _last and _first")
    format_ = options.get("format")
    if format_ is not None:
        check_format(str(format_))
        if not field.is_date:
            raise illegal(f"Field [{name}] of type [keyword] does not support custom formats", phase=True)
    return SortField(
        name, field, descending, None if format_ is None else str(format_).split("||")[0], missing == "_first"
    )
