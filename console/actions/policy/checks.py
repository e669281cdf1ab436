"""What must hold between the keys of one table of the policy, as `config/rules.py` says it of the configuration.

Each rule takes the table as written and yields (path below it, what is wrong). A value of a wrong type has been told
already and is passed over here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from console.actions.policy.patterns import wrong_action, wrong_glob, wrong_target
from console.actions.policy.policy import Demands, Freeze, Limits, Read, Role, Weekly, Written
from console.config.errors import Path, nearest

Table = Mapping[str, Any]
Broken = Iterator[tuple[Path, str]]

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_YEARS = range(2000, 3000)
_EVERYBODY = "*"
_LONGEST_TICKET_PATTERN = 200


def broken(struct: type, table: Table) -> Broken:
    """Every rule that the table of this struct breaks."""
    for kind, rule in _RULES:
        if issubclass(struct, kind):
            yield from rule(table)


def _each(table: Table, key: str, wrong: Callable[[str], str]) -> Broken:
    entries = table.get(key)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, str) and (what := wrong(entry)):
            yield (key, index), what


def _written(table: Table) -> Broken:
    tiers, roles = table.get("tiers"), table.get("roles")
    for pattern in tiers if isinstance(tiers, dict) else ():
        if what := wrong_action(pattern):
            yield ("tiers", pattern), what
    for name in roles if isinstance(roles, dict) else ():
        if what := wrong_glob(name):
            yield ("roles", name), what
    seen: set[str] = set()
    freezes = table.get("freezes")
    for index, freeze in enumerate(freezes if isinstance(freezes, list) else ()):
        name = freeze.get("name") if isinstance(freeze, dict) else None
        if isinstance(name, str) and name in seen:
            yield ("freezes", index, "name"), f"is a duplicate: another freeze is named `{name}` too"
        elif isinstance(name, str):
            seen.add(name)


def _role(table: Table) -> Broken:
    yield from _each(table, "people", _person)
    for key in ("may", "never", "approve"):
        yield from _each(table, key, wrong_action)
    for key in ("on", "never_on"):
        yield from _each(table, key, wrong_target)
    yield from _each(table, "post", wrong_glob)


def _person(name: str) -> str:
    if name == _EVERYBODY:
        return ""
    if wrong := wrong_glob(name):
        return wrong
    if any(character in "*?[]" for character in name):
        return f"`{name}` is no name: people are named one by one, or all with *"
    return ""


def _read(table: Table) -> Broken:
    for key in ("sites", "namespaces", "indices"):
        yield from _each(table, key, wrong_glob)


def _freeze(table: Table) -> Broken:
    yield from _each(table, "actions", wrong_action)
    yield from _each(table, "targets", wrong_target)
    yield from _each(table, "sites", wrong_glob)
    for key in ("actions", "targets", "sites"):
        if table.get(key) == []:
            yield (key,), "must not be empty: this freeze would hold nothing"
    name = table.get("name")
    if isinstance(name, str) and not (name.strip() and name.isprintable()):
        yield ("name",), "must not be blank, nor hold control characters"
    given = [key for key in ("from", "until") if key in table]
    if "weekly" in table:
        for key in given:
            yield (key,), "has no place beside `weekly`, which says its own times; keep one"
    elif not given:
        yield (), "says no time: give `from` and `until`, or `weekly`"
    else:
        yield from _ends(table)


def _ends(table: Table) -> Broken:
    for key in ("from", "until"):
        if key not in table:
            yield (), f"`{key}` is missing: a freeze has a beginning and an end"
    begin, until = table.get("from"), table.get("until")
    moments = [moment for moment in (begin, until) if isinstance(moment, datetime) and moment.tzinfo is not None]
    for key in ("from", "until"):
        if table.get(key) in moments and table[key].year not in _YEARS:
            yield (key,), f"is in the year {table[key].year}"
    if len(moments) == 2 and moments[0] >= moments[1]:
        yield ("until",), "is not after `from`"


def _weekly(table: Table) -> Broken:
    yield from _each(table, "days", _day)
    if table.get("days") == []:
        yield ("days",), "must not be empty: this freeze would hold nothing"
    for key in ("from", "until"):
        value = table.get(key)
        if isinstance(value, str) and not (_TIME.fullmatch(value) or (key == "until" and value == "24:00")):
            yield (key,), f"`{value}` is no time of day: write 17:00"
    zone = table.get("timezone")
    if isinstance(zone, str) and (what := _zone(zone)):
        yield ("timezone",), what


def _day(day: str) -> str:
    if day in DAYS:
        return ""
    near = nearest(day[:3], DAYS)
    return f"`{day}` is no day: write one of {', '.join(DAYS)}" + (f"; did you mean `{near}`?" if near else "")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (
        KeyError,
        ValueError,
        OSError,
    ):  # unknown, or a name that would leave the directory of zones, or one of those
        known = sorted(available_timezones())
        if not known:
            return "cannot be looked up: this host has no time zones; install tzdata"
        near = nearest(name, known)
        return f"there is no time zone `{name[:60]}`" + (
            f"; did you mean `{near}`?" if near else "; write Europe/London"
        )
    return ""


def _limits(table: Table) -> Broken:
    for of_what in ("pods", "viewers"):
        keys = (f"medium_{of_what}", f"high_{of_what}")
        least, most = (table.get(key, getattr(Limits(), key)) for key in keys)
        if isinstance(least, int) and isinstance(most, int) and least > most:
            yield (keys[0] if keys[0] in table else keys[1],), f"{keys[0]} {least} is above {keys[1]} {most}"


def _demands(table: Table) -> Broken:
    pattern = table.get("ticket_pattern")
    if not isinstance(pattern, str) or not pattern:
        return
    if len(pattern) > _LONGEST_TICKET_PATTERN:
        yield ("ticket_pattern",), f"is longer than {_LONGEST_TICKET_PATTERN} characters"
        return
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as wrong:
        yield ("ticket_pattern",), f"is no regular expression: {wrong}"


_RULES: tuple[tuple[type, Callable[[Table], Broken]], ...] = (
    (Written, _written),
    (Role, _role),
    (Read, _read),
    (Freeze, _freeze),
    (Weekly, _weekly),
    (Limits, _limits),
    (Demands, _demands),
)
