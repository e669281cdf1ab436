"""Finds everything that is wrong with a configuration (or a policy) at once, by walking the structs that describe it.

msgspec stops at the first mistake and does not name the keys of a mapping; at 03:00 one round of mending must
be enough. The walk returns the value as it will be used (paths made absolute) and leaves the problems it met
behind. What concerns several keys of one table at a time is in `rules.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path as FilePath
from typing import Any

from msgspec import inspect

from console.config.backend import Backend, Basic, Credential, HeaderSecret
from console.config.errors import Path, nearest
from console.config.kinds import kind_of
from console.config.marks import judge

Tell = Callable[[Path, str, str | None], None]
Rules = Callable[[type, Mapping[str, Any]], Iterator[tuple[Path, str]]]
_TOML_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "a table",
    datetime: "a date and time",
    date: "a date",
    time: "a time of day",
}
_LARGEST = 2**63 - 1  # what TOML promises to hold
_SECRET_WORDS = ("token", "password", "secret", "api_key", "bearer", "value", "key", "passwd", "credential")


class Walk:
    """One pass over one configuration. `tell(path, what, nearest)` hears of each problem."""

    def __init__(self, base: FilePath, tell: Tell, rules: Rules) -> None:
        self.base = base
        self.tell = tell
        self.rules = rules

    def value(self, node: inspect.Type, value: Any, path: Path) -> Any:
        """The value as it will be used; what is wrong with it has been told."""
        mark, node = kind_of(node)
        if isinstance(node, inspect.UnionType):  # only `X | None` here, and TOML has no null
            node = next(arm for arm in node.types if not isinstance(arm, inspect.NoneType))
            inner, node = kind_of(node)
            mark = mark or inner
        match node:
            case inspect.StructType():
                return self.struct(node, value, path)
            case inspect.DictType():
                return self.mapping(node, value, path)
            case inspect.VarTupleType() | inspect.ListType():
                value = self.sequence(node.item_type, value, path)
            case inspect.EnumType():
                self.choice([str(member.value) for member in node.cls], value, path)
            case inspect.FloatType() | inspect.IntType():
                self.number(node, value, path)
            case inspect.BoolType():
                self.typed(bool, value, path)
            case inspect.StrType():
                self.typed(str, value, path)
            case inspect.DateTimeType():
                self.moment(value, path)
        if mark is not None and isinstance(value, str | list):
            value, wrong = judge(mark, value, self.base)
            if wrong:
                self.tell(path, wrong, None)
        return value

    def typed(self, wanted: type, value: Any, path: Path) -> bool:
        if isinstance(value, wanted) and not (isinstance(value, bool) and wanted is not bool):
            return True
        self.tell(
            path, f"must be {_TOML_NAMES[wanted]}, not {_TOML_NAMES.get(type(value), 'a date or time')}", None
        )
        return False

    def moment(self, value: Any, path: Path) -> None:
        """A time without its offset means another moment in every office, so it is no time at all."""
        if self.typed(datetime, value, path) and value.tzinfo is None:
            self.tell(path, f"says no offset: write {value.isoformat()}Z for UTC, or {value.isoformat()}+01:00", None)

    def number(self, node: inspect.FloatType | inspect.IntType, value: Any, path: Path) -> None:
        is_float = isinstance(node, inspect.FloatType)
        if isinstance(value, int) and abs(value) > _LARGEST:
            self.tell(path, "is too large a number", None)
            return
        if is_float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not self.typed(float if is_float else int, value, path):
            return
        if math.isnan(value) or math.isinf(value):
            self.tell(path, f"must be a finite number, not {value}", None)
        elif node.gt is not None and value <= node.gt:
            self.tell(path, f"must be more than {node.gt:g}, not {value:g}", None)
        elif node.ge is not None and value < node.ge:
            self.tell(path, f"must be at least {node.ge:g}, not {value:g}", None)
        elif node.le is not None and value > node.le:
            self.tell(path, f"must be at most {node.le:g}, not {value:g}", None)

    def choice(self, known: list[str], value: Any, path: Path) -> None:
        if self.typed(str, value, path) and value not in known:
            self.tell(path, f"must be one of {', '.join(known)}, not `{value}`", nearest(value, known))

    def sequence(self, item: inspect.Type, value: Any, path: Path) -> Any:
        if not self.typed(list, value, path):
            return value
        return [self.value(item, entry, (*path, index)) for index, entry in enumerate(value)]

    def mapping(self, node: inspect.DictType, value: Any, path: Path) -> Any:
        if not self.typed(dict, value, path):
            return value
        for key in value:
            self.value(node.key_type, key, (*path, key))
        return {key: self.value(node.value_type, entry, (*path, key)) for key, entry in value.items()}

    def struct(self, node: inspect.StructType, value: Any, path: Path) -> Any:
        if not self.typed(dict, value, path):
            return value
        fields = {field.encode_name: field for field in node.fields}
        checked: dict[str, Any] = {}
        for key, entry in value.items():
            if key in fields:
                checked[key] = self.value(fields[key].type, entry, (*path, key))
            else:
                self.unknown(node.cls, key, entry, tuple(fields), path)
        for key, field in fields.items():
            if field.required and key not in value:
                self.tell((*path, key), "is missing and has no default", None)
        for below, what in self.rules(node.cls, checked):
            self.tell((*path, *below), what, None)
        return checked

    def unknown(self, struct: type, key: str, entry: Any, known: tuple[str, ...], path: Path) -> None:
        place = _place_of_secret(struct, known)
        if (
            isinstance(entry, str)
            and place
            and get_close_matches(key.lower(), _SECRET_WORDS, n=1, cutoff=0.8)
        ):
            self.tell(
                (*path, key),
                f"a secret is never written into the configuration; say where it is: {place}",
                None,
            )
            return
        near = nearest(key, known)
        listed = "" if near or len(known) > 12 else f" (known: {', '.join(known)})"
        self.tell((*path, key), f"unknown key{listed}", near)


def _place_of_secret(struct: type, known: tuple[str, ...]) -> str:
    """Where a secret found in this table should have been named; empty where no secret belongs near."""
    if issubclass(struct, Backend):
        return "read = { bearer_file = ... }"
    if struct in (Credential, Basic, HeaderSecret):
        return ", ".join(field for field in known if field.endswith(("_file", "_env", "_command")))
    return ""


def walked(root: type, raw: Mapping[str, Any], base: FilePath, tell: Tell, rules: Rules) -> dict[str, Any]:
    """`raw` checked against the struct type `root`, its relative paths taken from `base`. `rules` yields what is wrong
    between the keys of one table.
    """
    checked = Walk(base, tell, rules).value(inspect.type_info(root), dict(raw), ())
    assert isinstance(checked, dict)
    return checked
