"""What an action is told besides its target: typed, bounded, and refused in one sentence when it is neither."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

import msgspec

from console.config.errors import nearest

Argument = str | int | bool


class BadParameter(ValueError):
    """A parameter that is missing, unknown, or not of its type."""


class Type(StrEnum):
    """Kinds of values. DURATION is written 90s, 15m, 2h and kept in seconds."""

    INTEGER = "integer"
    DURATION = "duration"
    WORD = "word"  # no blanks, printable ASCII
    TEXT = "text"
    FLAG = "flag"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One `--set NAME=VALUE`. `least` and `most` bound integers and seconds, and the length of texts."""

    name: str
    type: Type
    about: str
    default: Argument | None = None  # None: it must be given
    is_optional: bool = False  # may be left out without a default
    least: int | None = None
    most: int | None = None


_DURATION = re.compile(r"(\d{1,6})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


def parsed(parameters: tuple[Parameter, ...], given: Mapping[str, str]) -> dict[str, Argument]:
    """What was given, as what it means, with the defaults filled in. Raises BadParameter for the first that is wrong."""
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            near = nearest(name, tuple(known))
            there_are = ", ".join(known) or "none"
            hint = f"; did you mean {near}?" if near else ""
            raise BadParameter(f"there is no parameter {name!r} (there are: {there_are}){hint}")
    values: dict[str, Argument] = {}
    for parameter in parameters:
        text = given.get(parameter.name)
        if text is not None:
            values[parameter.name] = _bounded(parameter, _value(parameter, text))
        elif parameter.default is not None:
            values[parameter.name] = parameter.default
        elif not parameter.is_optional:
            raise BadParameter(f"{parameter.name} is missing: --set {parameter.name}=… ({parameter.about})")
    return values


def _value(parameter: Parameter, text: str) -> Argument:
    wrong = BadParameter(f"{parameter.name}={text!r} is no {parameter.type} ({parameter.about})")
    match parameter.type:
        case Type.INTEGER:
            if not re.fullmatch(r"-?[0-9]{1,12}", text):
                raise wrong
            return int(text)
        case Type.DURATION:
            found = _DURATION.fullmatch(text)
            if found is None:
                raise BadParameter(f"{parameter.name}={text!r} is no duration: write 90s, 15m or 2h")
            return int(found[1]) * _SECONDS[found[2]]
        case Type.FLAG:
            if text.lower() not in _FLAGS:
                raise wrong
            return _FLAGS[text.lower()]
        case Type.WORD:
            if not re.fullmatch(r"[!-~]+", text):
                raise wrong
            return text
        case Type.TEXT:
            return text


def _bounded(parameter: Parameter, value: Argument) -> Argument:
    size, what = (len(value), " characters") if isinstance(value, str) else (int(value), "")
    if parameter.type is Type.DURATION:
        what = " s"
    if parameter.least is not None and size < parameter.least:
        raise BadParameter(f"{parameter.name}: {size}{what} is less than {parameter.least}{what}")
    if parameter.most is not None and size > parameter.most:
        raise BadParameter(f"{parameter.name}: {size}{what} is more than {parameter.most}{what}")
    return value
