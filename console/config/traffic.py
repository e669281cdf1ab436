"""What must hold between the keys of the tables that steer traffic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from console.config.errors import Path, nearest

Table = Mapping[str, Any]
Broken = Iterator[tuple[Path, str]]
PLACEHOLDER = re.compile(r"\{([A-Za-z][A-Za-z0-9_.-]*)\}")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
INTEGER = re.compile(r"-?[0-9]{1,18}")
HAPROXY_NAME = re.compile(r"[A-Za-z0-9_.:-]+")  # what HAProxy itself takes for one
_UNIX = re.compile(r"unix:/\S+")
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):([0-9]{1,5})")


def balancers(table: Table) -> Broken:
    """Of `[sites.X.haproxy.GROUP]`."""
    found = table.get("balancers")
    if not isinstance(found, dict):
        return
    if not found:
        yield ("balancers",), "there is none; one is written lb-1 = \"127.0.0.1:9999\" or \"unix:/run/haproxy.sock\""
    seen: dict[str, str] = {}
    for name, address in found.items():
        if not HAPROXY_NAME.fullmatch(name):
            yield ("balancers", name), "a name has letters, digits and _ . : - only"
        if not isinstance(address, str):
            continue
        port = _ADDRESS.fullmatch(address)
        if not _UNIX.fullmatch(address) and not (port and 0 < int(port[1]) < 65536):
            yield ("balancers", name), f"{address!r} is no address: write HOST:PORT or unix:/PATH"
        elif address in seen:
            yield ("balancers", name), f"is the same address as {seen[address]}: it would be told twice"
        seen.setdefault(address, name)


def switch(table: Table) -> Broken:
    """Of `[sites.X.switches.NAME]`."""
    if "urls" in table:
        yield ("urls",), "a switch has one address; give url"
    targets, parameters = table.get("targets"), table.get("parameters") or {}
    if not isinstance(targets, dict) or not isinstance(parameters, dict):
        return
    if len(targets) < 2:
        yield ("targets",), "traffic is shared among two or more; name them all"
    yield from _names(targets, parameters)
    yield from _templates(table, targets, parameters)
    for name, target in targets.items():
        yield from _target(name, target)


def _names(targets: Mapping[str, Any], parameters: Mapping[str, Any]) -> Broken:
    for key, names in (("targets", targets), ("parameters", parameters)):
        for name in names:
            if not NAME.fullmatch(name):
                yield (key, name), "a name begins with a letter and has letters, digits and _ . - only"
    for name in parameters:
        if name in targets:
            yield ("parameters", name), f"there is a target `{name}` too: a placeholder would mean both"


def _templates(table: Table, targets: Mapping[str, Any], parameters: Mapping[str, Any]) -> Broken:
    """Every placeholder is known, and where a value may not stand none does."""
    known = (*parameters, *targets)
    used: set[str] = set()
    for key in ("url", "verify_url"):
        address = table.get(key)
        if isinstance(address, str):
            try:
                parts = urlsplit(address)
            except ValueError:
                continue  # told already
            if PLACEHOLDER.search(f"{parts.scheme}{parts.netloc}") or "{" in parts.netloc:
                yield (key,), "a parameter must not stand in the scheme or the host: they are written out"
            for name in PLACEHOLDER.findall(address):
                if name in targets:
                    yield (key,), f"the weight `{{{name}}}` does not belong into an address"
            yield from _known(key, address, known, used)
    for name, value in (table.get("headers") or {}).items():
        if isinstance(value, str):
            yield from ((("headers", name), what) for _, what in _known("headers", value, known, used))
    body = table.get("body", "")
    if isinstance(body, str):
        yield from _known("body", body, known, used)
        missing = [name for name in targets if name not in PLACEHOLDER.findall(body)]
        if missing:
            yield ("body",), f"does not hold the weight of {', '.join(missing)}: {{{missing[0]}}} stands for it"
    for name in parameters:
        if name not in used:
            yield ("parameters", name), "is used nowhere: {" + name + "} belongs into url, headers or body"
        yield from _parameter(name, parameters[name])


def _known(key: str, text: str, known: tuple[str, ...], used: set[str]) -> Broken:
    for name in PLACEHOLDER.findall(text):
        used.add(name)
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean {{{near}}}?" if near else f" (known: {', '.join(known)})"
            yield (key,), f"{{{name}}} is neither a parameter nor a target{hint}"


def _parameter(name: str, parameter: Any) -> Broken:
    if not isinstance(parameter, dict):
        return
    words, least, most = parameter.get("words"), parameter.get("least"), parameter.get("most")
    bounds = [bound for bound in (least, most) if bound is not None]
    if bool(words) == bool(bounds):
        yield ("parameters", name), "is either one of some words (words) or an integer within bounds (least and most)"
        return
    default = parameter.get("default")
    if isinstance(words, list) and any(word in (".", "..") for word in words):
        yield ("parameters", name, "words"), "a word of dots alone would walk about in the path"
    if words and isinstance(default, str) and default not in words:
        yield ("parameters", name, "default"), f"{default!r} is none of its words"
    if words or not all(isinstance(bound, int) for bound in bounds):
        return
    if least is None or most is None or least > most:
        yield ("parameters", name), "needs least and most, the smaller first"
    elif isinstance(default, str) and not (INTEGER.fullmatch(default) and least <= int(default) <= most):
        yield ("parameters", name, "default"), f"{default!r} is no integer within {least} to {most}"


def _target(name: str, target: Any) -> Broken:
    if not isinstance(target, dict):
        return
    pointer = target.get("pointer")
    if isinstance(pointer, str) and not pointer.startswith("/"):
        yield ("targets", name, "pointer"), f"{pointer!r} is no JSON pointer: it begins with /, as in /weights/{name}"
    least, most = target.get("least", 0), target.get("most", 100)
    if isinstance(least, int) and isinstance(most, int) and least >= most:
        yield ("targets", name, "least"), f"{least} leaves nothing below most, which is {most}"


def gauges_named(table: Table) -> Broken:
    """Of a site: the gauges that its switches name are there."""
    gauges = table.get("gauges")
    known = [each.get("name") for each in gauges if isinstance(each, dict)] if isinstance(gauges, list) else []
    names = tuple(name for name in known if isinstance(name, str))
    switches = table.get("switches")
    for key, entry in switches.items() if isinstance(switches, dict) else ():
        targets = entry.get("targets") if isinstance(entry, dict) else None
        for name, target in targets.items() if isinstance(targets, dict) else ():
            gauge = target.get("gauge") if isinstance(target, dict) else None
            if isinstance(gauge, str) and gauge not in names:
                near = nearest(gauge, names)
                hint = f"; did you mean `{near}`?" if near else ""
                yield ("switches", key, "targets", name, "gauge"), f"this site has no gauge `{gauge}`{hint}"
