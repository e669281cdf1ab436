"""`MIDWATCH_...` variables laid over the file: `MIDWATCH_SITES__APAC__PROMETHEUS__URL` is
sites.apac.prometheus.url.

Variables know no case and no hyphen, so a name of the user's own (a site, a cluster) is matched with the one
in the file that looks the same: APAC_1 is apac-1. A value that is not a text is written as in TOML; a list
may also be `a,b`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import inspect

from console.config.errors import ENVIRONMENT, Path, Problem, nearest
from console.config.kinds import kind_of

PREFIX = "MIDWATCH_"
OF_THE_COMMAND_LINE = ("CONFIG", "SITE", "SCOPE", "LOG_FILE")  # these stand for global flags
# A Kubernetes Service called midwatch puts these into every pod of its namespace.
_SERVICE_LINKS = ("SERVICE_HOST", "SERVICE_PORT", "PORT")
_OTHER_SPELLING = {"url": "urls", "urls": "url"}


class Overlay(msgspec.Struct, frozen=True):
    """The file's tables with the environment over them, and which variable each key came from."""

    raw: dict[str, Any]
    origins: dict[Path, str]
    problems: tuple[Problem, ...]


def overlaid(raw: Mapping[str, Any], environ: Mapping[str, str], root: type) -> Overlay:
    """A copy of `raw` with the variables of `environ` over it; a variable that fits nowhere is a problem."""
    whole: dict[str, Any] = dict(raw)
    origins: dict[Path, str] = {}
    problems: list[Problem] = []
    for variable in sorted(environ):
        word = variable.removeprefix(PREFIX)
        if word == variable or word in OF_THE_COMMAND_LINE or _is_service_link(word):
            continue
        try:
            path, value = _placed(word.split("__"), environ[variable], whole, inspect.type_info(root))
        except _Misplaced as wrong:
            near = PREFIX + wrong.near if wrong.near else None
            problems.append(Problem(ENVIRONMENT, None, variable, wrong.what, near))
            continue
        whole = _with(whole, path, value)
        origins[path] = variable
    return Overlay(raw=whole, origins=origins, problems=tuple(problems))


class _Misplaced(Exception):
    def __init__(self, what: str, near: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.near = near


def _is_service_link(word: str) -> bool:
    return "__" not in word and any(word == link or word.startswith(f"{link}_") for link in _SERVICE_LINKS)


def _placed(words: list[str], text: str, raw: Any, node: inspect.Type) -> tuple[Path, Any]:
    """The path that the words of a variable name, and its value by the type that is expected there."""
    path: list[str] = []
    for index, word in enumerate(words):
        node = _plain(node)
        match node:
            case inspect.StructType():
                fields = {field.encode_name: field.type for field in node.fields}
                key = word.lower()
                if key not in fields:
                    near = nearest(key, tuple(fields))
                    raise _Misplaced(
                        "unknown setting", "__".join((*words[:index], near.upper())) if near else ""
                    )
                node = fields[key]
            case inspect.DictType():
                known = {_folded(key): key for key in raw} if isinstance(raw, dict) else {}
                key = known.get(_folded(word), word.lower())
                node = node.value_type
            case _:
                raise _Misplaced(f"`{'__'.join(words[:index])}` is a value and has no settings below it")
        path.append(key)
        raw = raw.get(key) if isinstance(raw, dict) else None
    return tuple(path), _valued(text, _plain(node))


def _valued(text: str, node: inspect.Type) -> Any:
    if isinstance(node, inspect.StrType | inspect.EnumType):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        if isinstance(node, inspect.VarTupleType) and isinstance(_plain(node.item_type), inspect.StrType):
            return [part.strip() for part in text.split(",") if part.strip()]
        raise _Misplaced(
            'must be written as a value in TOML is: 10, true, ["a", "b"], { key = "value" }'
        ) from None


def _plain(node: inspect.Type) -> inspect.Type:
    """Without marks and without `| None`."""
    node = kind_of(node)[1]
    if isinstance(node, inspect.UnionType):
        return _plain(next(arm for arm in node.types if not isinstance(arm, inspect.NoneType)))
    return node


def _folded(name: str) -> str:
    return name.lower().replace("-", "_")


def _with(table: Mapping[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """A copy of the table with one value set; `url` from the environment displaces `urls` of the file."""
    copy = dict(table)
    if len(path) == 1:
        copy[path[0]] = value
        copy.pop(_OTHER_SPELLING.get(path[0], ""), None)
        return copy
    below = copy.get(path[0])
    copy[path[0]] = _with(below if isinstance(below, dict) else {}, path[1:], value)
    return copy
