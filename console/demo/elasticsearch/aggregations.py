"""Aggregations as they are asked for: date_histogram and terms, each with aggregations below it."""

from __future__ import annotations

from typing import Any

import msgspec

from console.demo.elasticsearch.dates import MS, as_interval, check_format, parse_date
from console.demo.elasticsearch.documents import FIELDS, INDEX_FIELD, Field
from console.demo.elasticsearch.errors import illegal, parsing

MAX_DEPTH = 5


class Aggregation(msgspec.Struct, frozen=True):
    """A named aggregation, its options checked, and those below it.

    `coarse` says that whole seconds by level are as good as documents to it.
    """

    name: str
    kind: str
    field: Field | None
    below: tuple[Aggregation, ...]
    interval_ms: int = 0
    min_doc_count: int = 0
    bounds: tuple[int, int] | None = None
    format: str = "strict_date_optional_time"
    size: int = 10
    order: tuple[str, bool] = ("_count", True)
    """(_count or _key, descending)."""
    coarse: bool = False


def aggregations(body: object, now_ns: int, depth: int = 0) -> tuple[Aggregation, ...]:
    """The `aggs` of a body. Raises EsError (400) for an aggregation this server does not have."""
    if body is None:
        return ()
    if not isinstance(body, dict) or depth > MAX_DEPTH:
        raise parsing("[aggs] malformed, or nested deeper than this server goes")
    return tuple(_one(str(name), inside, now_ns, depth) for name, inside in body.items())


_OPTIONS = {
    "terms": {"field", "size", "order", "min_doc_count", "shard_size", "show_term_doc_count_error"},
    "date_histogram": {
        "field",
        "fixed_interval",
        "calendar_interval",
        "interval",
        "min_doc_count",
        "extended_bounds",
        "format",
        "time_zone",
        "order",
    },
}


def _one(name: str, inside: object, now_ns: int, depth: int) -> Aggregation:
    if not isinstance(inside, dict):
        raise parsing(f"Expected [START_OBJECT] under [{name}]")
    kinds = [key for key in inside if key not in ("aggs", "aggregations", "meta")]
    if len(kinds) != 1:
        raise parsing(f"Expected one aggregation type in [{name}] but found {kinds}")
    kind, options = kinds[0], inside[kinds[0]]
    if kind not in _OPTIONS:
        raise parsing(f"Unknown aggregation type [{kind}]; this server has {sorted(_OPTIONS)}")
    if not isinstance(options, dict):
        raise parsing(f"Expected [START_OBJECT] under [{kind}]")
    for key in options:
        if key not in _OPTIONS[kind]:
            raise parsing(f"[{kind}] unknown field [{key}]")
    if not isinstance(options.get("field"), str):
        raise illegal(f"Required one of fields [field, script], but none were specified for [{name}]")
    below = aggregations(inside.get("aggs", inside.get("aggregations")), now_ns, depth + 1)
    field = INDEX_FIELD if options["field"] == INDEX_FIELD.name else FIELDS.get(options["field"])
    if field is not None and field.type == "match_only_text":
        raise illegal(
            f"Fielddata is not supported on field [{field.name}] of type [match_only_text]", phase=True
        )
    if kind == "terms":
        return _terms(name, field, options, below)
    return _histogram(name, field, options, below, now_ns)


def _terms(
    name: str, field: Field | None, options: dict[str, Any], below: tuple[Aggregation, ...]
) -> Aggregation:
    size = options.get("size", 10)
    if not isinstance(size, int) or size <= 0:
        raise illegal("[size] must be greater than 0. Found [" + str(size) + "] in [" + name + "]")
    order = options.get("order", {"_count": "desc"})
    if not isinstance(order, dict) or len(order) != 1 or next(iter(order)) not in ("_count", "_key"):
        raise illegal(f"order {order} of [{name}] is not supported by this server: only _count or _key")
    by, direction = next(iter(order.items()))
    coarse = field is not None and field.name == "log.level" and all(one.coarse for one in below)
    least = int(options.get("min_doc_count", 1))
    return Aggregation(
        name,
        "terms",
        field,
        below,
        min_doc_count=least,
        size=size,
        order=(by, str(direction).lower() == "desc"),
        coarse=coarse,
    )


def _histogram(
    name: str, field: Field | None, options: dict[str, Any], below: tuple[Aggregation, ...], now_ns: int
) -> Aggregation:
    if options.get("time_zone") not in (None, "UTC", "Z", "+00:00"):
        raise illegal(f"[date_histogram] time_zone [{options['time_zone']}] is not supported by this server")
    if options.get("order") not in (None, {"_key": "asc"}):
        raise illegal(f"order {options['order']} of [{name}] is not supported by this server")
    if field is not None and not field.is_date:
        raise illegal(
            f"Field [{field.name}] of type [keyword] is not supported for aggregation [date_histogram]",
            phase=True,
        )
    interval = as_interval(options)
    bounds = None
    given = options.get("extended_bounds")
    if isinstance(given, dict):
        lo, hi = (parse_date(given.get(end), now_ns) // MS // interval * interval for end in ("min", "max"))
        if lo > hi:
            raise illegal(
                f"[extended_bounds.min][{lo}] cannot be greater than [extended_bounds.max][{hi}] for [{name}]"
            )
        bounds = (lo, hi)
    format_ = check_format(str(options.get("format", "strict_date_optional_time")))[0]
    coarse = field is not None and field.name == "@timestamp" and interval % 1000 == 0
    return Aggregation(
        name,
        "date_histogram",
        field,
        below,
        interval_ms=interval,
        min_doc_count=int(options.get("min_doc_count", 0)),
        bounds=bounds,
        format=format_,
        coarse=coarse and all(one.coarse for one in below),
    )
