"""EXT-X-DEFINE (RFC 8216bis 4.4.2.3): variables, and the text in which they are used.

A value that came in through QUERYPARAM is often a token, so a variable knows whether it may be told.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

from console.probe.hls.attributes import as_utf8, attributes, quoted
from console.probe.hls.limits import URI_LIMIT, VARIABLES_LIMIT
from console.probe.naming import plain

_REFERENCE = re.compile(r"\{\$([A-Za-z0-9_-]{1,200})\}")
_SECRET = "\0"  # in front of a value that must not be told; a playlist cannot hold a NUL in a value (`defined` refuses it)

Variables = Mapping[str, str]  # name -> value, with `_SECRET` before it when it may not be told


def defined(text: str, url: str, imported: Variables) -> tuple[str, str]:
    """Name and value of one EXT-X-DEFINE. Raises ValueError when it names nothing, or what does not exist."""
    found = attributes(text)
    if "NAME" in found:
        name, value = found["NAME"], as_utf8(found.get("VALUE", ""))
        if "\0" in value:
            raise ValueError(f"EXT-X-DEFINE {quoted(name)} has a NUL in its value")
    elif "IMPORT" in found:
        name = found["IMPORT"]
        if name not in imported:
            raise ValueError(f"EXT-X-DEFINE imports {quoted(name)}, which the master playlist does not define")
        value = imported[name]
    elif "QUERYPARAM" in found:
        name = found["QUERYPARAM"]
        given = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True, max_num_fields=200))
        if name not in given:
            raise ValueError(f"EXT-X-DEFINE wants the query parameter {quoted(name)}, which the URL does not have")
        value = _SECRET + given[name].replace("\0", "")
    else:
        raise ValueError("EXT-X-DEFINE with neither NAME, IMPORT nor QUERYPARAM")
    if len(value) > URI_LIMIT:
        raise ValueError(f"EXT-X-DEFINE {quoted(name)} stands for {len(value)} characters, the limit is {URI_LIMIT}")
    return name, value


def define(variables: dict[str, str], text: str, url: str, imported: Variables) -> None:
    """Add one EXT-X-DEFINE. Raises ValueError as `defined` does, and for too many."""
    name, value = defined(text, url, imported)
    if len(variables) >= VARIABLES_LIMIT:
        raise ValueError(f"more than {VARIABLES_LIMIT} variables")
    variables[name] = value


def replaced(text: str, variables: Variables, is_told: bool = False) -> str:
    """The text with its variables replaced; `is_told`: those that may not be told stay as they are written.

    Raises ValueError for a variable that is not defined: a player must refuse such a playlist.
    """
    if "{$" not in text:
        return text

    def value(match: re.Match[str]) -> str:
        found = variables.get(match[1])
        if found is None:
            raise ValueError(f"the variable {plain(match[1])[:40]} is used and not defined")
        if found.startswith(_SECRET):
            return match[0] if is_told else found[1:]
        return found

    whole = _REFERENCE.sub(value, text[: 4 * URI_LIMIT])
    if len(whole) > 4 * URI_LIMIT:
        raise ValueError(f"{len(whole)} characters after its variables were replaced")
    return whole


def check(text: str, variables: Variables) -> None:
    """Every variable that the playlist uses is defined. Raises ValueError naming the first that is not."""
    for name in set(_REFERENCE.findall(text)):
        if name not in variables:
            raise ValueError(f"the variable {plain(name)[:40]} is used and not defined")
