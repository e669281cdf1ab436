"""What must hold between the keys of one table.

Each rule takes the table as written and yields (path below it, what is wrong); an empty path is the table
itself. Rules look only at what is there: a value of a wrong type has been told already and must not be told a
second time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from console.config import bell, chat, traffic
from console.config.backend import Backend, Basic, Credential, HeaderSecret
from console.config.balancers import Balancers
from console.config.bell import Bell
from console.config.chat import ChatDestination
from console.config.errors import Path, nearest
from console.config.probing import Verdicts
from console.config.root import Config
from console.config.serve import Limits, Serve
from console.config.site import Channels, Cluster, Site
from console.config.switch import Switch
from console.model.channel import Channel
from console.model.figure import Better, FigureSpec
from console.model.metric import GaugeSpec

Table = Mapping[str, Any]
Broken = Iterator[tuple[Path, str]]
SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token")
_SOURCES = ("_file", "_env", "_command")


def broken_rules(struct: type, table: Table) -> Broken:
    """Every rule that the table of this struct breaks."""
    for kind, rule in _RULES:
        if issubclass(struct, kind):
            yield from rule(table)
    if issubclass(struct, Backend) and not issubclass(struct, Cluster):
        yield from _exactly_one(table, ("url", "urls"), "the address")


def _exactly_one(table: Table, keys: tuple[str, ...], of_what: str) -> Broken:
    given = [key for key in keys if key in table]
    if not given:
        yield (), f"{of_what} is missing: give one of {', '.join(keys)}"
    for key in given[1:]:
        yield (key,), f"{of_what} is given twice: `{given[0]}` is there already; keep one"


def _credential(table: Table) -> Broken:
    yield from _exactly_one(table, Credential.__struct_fields__, "the credential")


def _basic(table: Table) -> Broken:
    yield from _exactly_one(table, tuple(f"password{suffix}" for suffix in _SOURCES), "the password")


def _header(table: Table) -> Broken:
    yield from _exactly_one(table, tuple(f"value{suffix}" for suffix in _SOURCES), "the header's value")


def _backend(table: Table) -> Broken:
    headers = table.get("headers")
    for name, value in headers.items() if isinstance(headers, dict) else ():
        if name.lower() in SECRET_HEADERS:
            yield ("headers", name), "carries a secret; name it in `read` (header = { name, value_file })"
        elif isinstance(value, str) and not (name.isprintable() and value.isprintable()):
            yield ("headers", name), "must not hold line breaks or control characters"
    urls = table.get("urls")
    if isinstance(urls, list):
        if not urls:
            yield ("urls",), "must not be empty"
        yield from (
            (("urls", index), "is a duplicate of an earlier one")
            for index, url in enumerate(urls)
            if url in urls[:index]
        )


def _cluster(table: Table) -> Broken:
    """A cluster may be found in a kubeconfig instead of at an address."""
    by_kubeconfig = [key for key in ("context", "kubeconfig") if key in table]
    by_url = [key for key in ("url", "urls") if key in table]
    if not by_kubeconfig:
        yield from _exactly_one(table, ("context", "kubeconfig", "url", "urls"), "the cluster's address")
        return
    for key in by_url:
        yield (key,), f"the cluster's address is given twice: `{by_kubeconfig[0]}` is there already; keep one"
    for key in ("read", "write", "ca_file"):
        if key in table and not by_url:
            yield (
                (key,),
                f"has no effect beside `{by_kubeconfig[0]}`, which brings its own; use url, or leave it out",
            )


def _gauge(table: Table) -> Broken:
    warn, crit = table.get("warn", 0.80), table.get("crit", 0.92)
    if isinstance(warn, int | float) and isinstance(crit, int | float) and warn > crit:
        yield ("warn",), f"{warn:g} is above crit {crit:g}; warn comes first"
    for key in ("name", "used", "total"):
        if isinstance(table.get(key), str) and not table[key].strip():
            yield (key,), "must not be empty"


def _figure(table: Table) -> Broken:
    better = table.get("better", Better.NEITHER.value)
    levels = {key: table[key] for key in ("warn", "crit") if isinstance(table.get(key), int | float)}
    for key, level in levels.items():
        if not 0 < level < math.inf:
            yield (key,), "is a ratio now / a week ago, above 0"
        elif better == Better.NEITHER.value:
            yield (key,), 'has no meaning without `better`: say "higher" or "lower"'
        elif better == Better.HIGHER.value and level >= 1:
            yield (key,), f"{level:g} would be raised at last week's own value: with better higher it is below 1"
        elif better == Better.LOWER.value and level <= 1:
            yield (key,), f"{level:g} would be raised at last week's own value: with better lower it is above 1"
    if len(levels) == 2 and (levels["warn"] - levels["crit"]) * (1 if better == Better.HIGHER.value else -1) < 0:
        yield ("warn",), f"{levels['warn']:g} is beyond crit {levels['crit']:g}; warn comes first"
    for key in ("name", "query"):
        if isinstance(table.get(key), str) and not table[key].strip():
            yield (key,), "must not be empty"


def _channel(table: Table) -> Broken:
    yield from _named_twice(table, "vantages", "vantage")
    if table.get("vantages") == []:
        yield ("vantages",), "must not be empty"


def _channels(table: Table) -> Broken:
    yield from _named_twice(table, "inline", "channel")


def _site(table: Table) -> Broken:
    yield from _named_twice(table, "gauges", "gauge")
    yield from _named_twice(table, "figures", "figure")
    if table.get("figures") and "prometheus" not in table:
        yield ("figures",), "are asked of [sites.NAME.prometheus], which is missing"
    yield from traffic.gauges_named(table)
    probe = table.get("probe")
    if isinstance(probe, dict) and probe.get("verdicts") == Verdicts.METRICS.value and "prometheus" not in table:
        yield ("probe", "verdicts"), "`metrics` reads them from [sites.NAME.prometheus], which is missing"


def _serve(table: Table) -> Broken:
    if not ("authorized_keys" in table or "ca_keys" in table):
        yield (), "nobody could log in: name a directory of public keys (authorized_keys) or a file of authorities (ca_keys)"


def _limits(table: Table) -> Broken:
    for part, whole in (("per_user", "sessions"), ("per_address", "unauthenticated")):
        own, all_of_them = (table.get(key, getattr(Limits(), key)) for key in (part, whole))
        if isinstance(own, int) and isinstance(all_of_them, int) and own > all_of_them:
            yield (part if part in table else whole,), f"{part} ({own}) is above {whole} ({all_of_them}): one could take all"


def _named_twice(table: Table, key: str, noun: str) -> Broken:
    seen: set[str] = set()
    entries = table.get(key)
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = entry.get("name") if isinstance(entry, dict) else None
        if isinstance(name, str) and name in seen:
            yield (key, index, "name"), f"is a duplicate: another {noun} is named `{name}` too"
        elif isinstance(name, str):
            seen.add(name)


def _config(table: Table) -> Broken:
    yield from chat.destinations(table)
    yield from bell.bells(table)
    sites = table.get("sites")
    if not isinstance(sites, dict):
        return
    if not sites:
        yield ("sites",), "there is no site; add a table [sites.NAME]"
    default = table.get("default_site")
    if isinstance(default, str) and sites and default not in sites:
        near = nearest(default, tuple(sites))
        hint = f"; did you mean `{near}`?" if near else ""
        yield ("default_site",), f"there is no site `{default}` (there are: {', '.join(sites)}){hint}"


_RULES: tuple[tuple[type, Callable[[Table], Broken]], ...] = (
    (Config, _config),
    (Site, _site),
    (Backend, _backend),
    (Cluster, _cluster),
    (Credential, _credential),
    (Basic, _basic),
    (HeaderSecret, _header),
    (Channels, _channels),
    (Channel, _channel),
    (GaugeSpec, _gauge),
    (FigureSpec, _figure),
    (Balancers, traffic.balancers),
    (Switch, traffic.switch),
    (ChatDestination, chat.destination),
    (Bell, bell.bell),
    (Serve, _serve),
    (Limits, _limits),
)
