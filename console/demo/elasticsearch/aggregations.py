"""Aggregations over weighted items: date_histogram and terms, each with aggregations below it.

An item is a document, weight 1, or a `Count` standing for all lines of a level in a second. Both answer the
same field readers, so counting whole seconds and counting documents are one code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from console.demo.elasticsearch.dates import MS, as_interval, check_format, parse_date, spell
from console.demo.elasticsearch.documents import FIELDS, Count, Document, Field
from console.demo.elasticsearch.errors import EsError, illegal, parsing

Item = tuple[Document | Count, int]
MAX_BUCKETS = 65_536
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
    field = FIELDS.get(options["field"])
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


# Counting


def results(wanted: tuple[Aggregation, ...], items: Sequence[Item]) -> dict[str, Any]:
    """The `aggregations` of an answer."""
    return {one.name: _result(one, items) for one in wanted}


def _result(one: Aggregation, items: Sequence[Item]) -> dict[str, Any]:
    grouped = _grouped(one, items)
    if one.kind == "terms":
        return _terms_result(one, grouped)
    return {"buckets": _histogram_buckets(one, grouped)}


def _grouped(one: Aggregation, items: Sequence[Item]) -> dict[Any, list[Item]]:
    if one.field is None:
        return {}
    read = one.field.read
    key_of: Callable[[Any], Any] = read
    if one.kind == "date_histogram":
        width = one.interval_ms * (1 if one.field.type == "date" else MS)
        scale = one.interval_ms

        def key_of(item: Any) -> int:
            return int(read(item) or 0) // width * scale

    grouped: dict[Any, list[Item]] = {}
    for item in items:
        key = key_of(item[0])
        if key is None:
            continue
        members = grouped.get(key)
        if members is None:
            grouped[key] = [item]
        else:
            members.append(item)
    return grouped


def _bucket(one: Aggregation, head: dict[str, Any], members: list[Item]) -> dict[str, Any]:
    return {**head, "doc_count": sum(weight for _, weight in members), **results(one.below, members)}


def _terms_result(one: Aggregation, grouped: dict[Any, list[Item]]) -> dict[str, Any]:
    buckets = [_bucket(one, {"key": key}, members) for key, members in grouped.items()]
    by, descending = one.order
    buckets.sort(key=lambda bucket: str(bucket["key"]))
    buckets.sort(
        key=lambda bucket: bucket["doc_count"] if by == "_count" else str(bucket["key"]), reverse=descending
    )
    shown = [bucket for bucket in buckets if bucket["doc_count"] >= one.min_doc_count][: one.size]
    others = sum(bucket["doc_count"] for bucket in buckets) - sum(bucket["doc_count"] for bucket in shown)
    return {"doc_count_error_upper_bound": 0, "sum_other_doc_count": others, "buckets": shown}


def _histogram_buckets(one: Aggregation, grouped: dict[int, list[Item]]) -> list[dict[str, Any]]:
    keys: Sequence[int] = sorted(grouped)
    if one.min_doc_count == 0 and (keys or one.bounds):
        lo = min([*keys[:1], *(one.bounds or ())])
        hi = max([*keys[-1:], *(one.bounds or ())])
        keys = range(lo, hi + 1, one.interval_ms)
        if len(keys) > MAX_BUCKETS:
            raise EsError(
                400,
                "too_many_buckets_exception",
                f"Trying to create too many buckets. Must be less than or equal to: [{MAX_BUCKETS}] but was "
                f"[{len(keys)}].",
                max_buckets=MAX_BUCKETS,
                phase=True,
            )
    buckets = [
        _bucket(one, {"key_as_string": spell(key * MS, one.format), "key": key}, grouped.get(key, []))
        for key in keys
    ]
    return [bucket for bucket in buckets if bucket["doc_count"] >= one.min_doc_count]
