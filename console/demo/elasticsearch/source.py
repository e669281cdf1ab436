"""A document as JSON: its `_source`, filtered or not, and its `fields`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import msgspec

from console.demo.elasticsearch.dates import MS, spell
from console.demo.elasticsearch.documents import FIELDS, Document
from console.demo.elasticsearch.errors import parsing

NANOS = "strict_date_optional_time_nanos"


_PATHS = {name: (field, name.split(".")[:-1], name.split(".")[-1]) for name, field in FIELDS.items()}


class Filter(msgspec.Struct, frozen=True):
    """Which fields of a source to show; `names` is what the patterns come to, None for everything."""

    shown: bool = True
    names: tuple[str, ...] | None = None


def source_filter(given: object, includes: object = None, excludes: object = None) -> Filter:
    """From `_source` of a body (or its URL parameters). Raises EsError (400) when it is malformed."""
    if isinstance(given, bool):
        return Filter(given)
    if isinstance(given, dict):
        for key in given:
            if key not in ("includes", "include", "excludes", "exclude"):
                raise parsing(f"Unknown key for a START_ARRAY in [{key}].")
        includes = given.get("includes", given.get("include"))
        excludes = given.get("excludes", given.get("exclude"))
    elif isinstance(given, str | list):
        includes = given
    elif given is not None:
        raise parsing(
            "Expected one of [VALUE_BOOLEAN, VALUE_STRING, START_ARRAY, START_OBJECT] for [_source]"
        )
    wanted, unwanted = _patterns(includes), _patterns(excludes)
    if not wanted and not unwanted:
        return Filter()
    names = (name for name in FIELDS if not wanted or _covered(name, wanted))
    return Filter(True, tuple(name for name in names if not _covered(name, unwanted)))


def _patterns(given: object) -> list[str]:
    if given is None:
        return []
    if isinstance(given, str):
        return given.split(",")
    if isinstance(given, list):
        return [str(one) for one in given]
    raise parsing(f"[_source] patterns are strings, not [{given}]")


def _covered(name: str, patterns: list[str]) -> bool:
    """Whether a pattern names the field or an object above it."""
    return any(fnmatchcase(name, pattern) or fnmatchcase(name, pattern + ".*") for pattern in patterns)


def source(document: Document, filter_: Filter) -> dict[str, Any]:
    """The document nested as it was indexed; fields without a value are left out."""
    nested: dict[str, Any] = {}
    for name in filter_.names if filter_.names is not None else FIELDS:
        field, parents, leaf = _PATHS[name]
        value = field.read(document)
        if value is None:
            continue
        if field.is_date and isinstance(value, int):
            value = spell(value * (MS if field.type == "date" else 1), NANOS)
        at = nested
        for parent in parents:
            at = at.setdefault(parent, {})
        at[leaf] = value
    return nested


def fields_of(document: Document, wanted: list[tuple[str, str | None]]) -> dict[str, list[str]]:
    """The `fields` of a hit: (pattern, date format) -> name and list of values."""
    found: dict[str, list[str]] = {}
    for pattern, format_ in wanted:
        for name, field in FIELDS.items():
            if not fnmatchcase(name, pattern):
                continue
            value = field.read(document)
            if value is not None:
                if field.is_date and isinstance(value, int):
                    default = NANOS if field.type == "date_nanos" else "strict_date_optional_time"
                    value = spell(value * (MS if field.type == "date" else 1), format_ or default)
                found[name] = [str(value)]
    return found
