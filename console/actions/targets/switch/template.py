"""Filling in the blanks of a switch. A value goes where its kind of text is safe: percent-encoded into a path or query,
JSON-escaped into the body, and never into scheme or host.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

import msgspec

from console.config.errors import nearest
from console.config.switch import Switch, SwitchParameter
from console.config.traffic import INTEGER, PLACEHOLDER


class BadValue(ValueError):
    """A value that the configuration does not allow there; says what it allows."""


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """One request, written out."""

    url: str
    verify_url: str
    headers: tuple[tuple[str, str], ...]
    body: str


def chosen(switch: Switch, text: str) -> dict[str, str]:
    """`property:live,region:emea` as what the switch's own parameters are, the defaults filled in. Raises BadValue."""
    given: dict[str, str] = {}
    for pair in filter(None, text.split(",")):
        name, colon, value = pair.partition(":")
        if not colon or name in given:
            raise BadValue(f"{pair!r}: write NAME:VALUE,NAME:VALUE, each name once")
        if name not in switch.parameters:
            near = nearest(name, tuple(switch.parameters))
            hint = f"; did you mean {near}?" if near else f" (there are: {', '.join(switch.parameters) or 'none'})"
            raise BadValue(f"this switch has no parameter {name!r}{hint}")
        given[name] = value
    found: dict[str, str] = {}
    for name, parameter in switch.parameters.items():
        wanted = given.get(name, parameter.default)
        if wanted is None:
            raise BadValue(f"{name} is missing: --set with={name}:… ({_allowed(parameter)})")
        found[name] = _typed(name, parameter, wanted)
    return found


def _typed(name: str, parameter: SwitchParameter, value: str) -> str:
    if parameter.words:
        if value not in parameter.words:
            raise BadValue(f"{name}:{value} is not allowed; {name} is {_allowed(parameter)}")
        return value
    assert parameter.least is not None and parameter.most is not None  # console/config/traffic.py
    if not INTEGER.fullmatch(value) or not parameter.least <= int(value) <= parameter.most:
        raise BadValue(f"{name}:{value} is not allowed; {name} is {_allowed(parameter)}")
    return str(int(value))


def _allowed(parameter: SwitchParameter) -> str:
    if parameter.words:
        return "one of " + ", ".join(parameter.words)
    return f"an integer from {parameter.least} to {parameter.most}"


def filled(switch: Switch, values: Mapping[str, str], weights: Mapping[str, int]) -> Filled:
    """The request that sets these weights. `values` as `chosen` returned them."""
    known = {**values, **{name: str(weight) for name, weight in weights.items()}}
    assert switch.url is not None
    return Filled(
        url=_address(switch.url, values),
        verify_url=_address(switch.verify_url or switch.url, values),
        headers=tuple((name, _put(text, known)) for name, text in sorted(switch.headers.items())),
        body=PLACEHOLDER.sub(lambda found: json.dumps(known[found[1]])[1:-1], switch.body),
    )


def _address(template: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), template)


def _put(template: str, values: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: values[found[1]], template)


def is_of(switch: Switch, url: str) -> bool:
    """Whether an address goes to the host that the configuration names: no credential goes to another."""
    assert switch.url is not None
    own = [urlsplit(switch.url), urlsplit(switch.verify_url or switch.url)]
    parts = urlsplit(url)
    return any((parts.scheme, parts.netloc) == (each.scheme, each.netloc) for each in own)
