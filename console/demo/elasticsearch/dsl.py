"""The query DSL to criteria. What is not in the table is a parsing_exception that names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from console.demo.elasticsearch.criteria import (
    NEVER,
    Criteria,
    Span,
    anything,
    at_least,
    both,
    negated,
    nothing,
)
from console.demo.elasticsearch.dates import MS, check_format, parse_date
from console.demo.elasticsearch.documents import FIELDS, Field
from console.demo.elasticsearch.errors import illegal, parsing
from console.demo.elasticsearch.leaves import (
    equals,
    exists,
    match_phrase,
    match_text,
    plain,
    prefix,
    spanned,
    wildcard,
)
from console.demo.elasticsearch.query_string import compile_query_string

MAX_DEPTH = 30
MAX_CLAUSES = 1024


def compile_query(body: object, now_ns: int, depth: int = 0) -> Criteria:
    """Criteria of one `{"kind": {...}}`. Raises EsError (400) for anything this server cannot carry out."""
    if depth > MAX_DEPTH:
        raise illegal(
            f"The nested depth of the query exceeds the maximum nested depth for queries set in [{MAX_DEPTH}]"
        )
    if not isinstance(body, dict):
        raise parsing("[_na] query malformed, must start with start_object")
    if len(body) != 1:
        what = "empty clause found" if not body else "expected [END_OBJECT] but found [FIELD_NAME]"
        raise parsing(f"query malformed, {what}")
    kind, inside = next(iter(body.items()))
    if kind == "bool":
        return _bool(inside, now_ns, depth)
    if kind == "constant_score":
        return compile_query(_object(kind, inside, {"filter", "boost"}).get("filter"), now_ns, depth + 1)
    compiler = _LEAVES.get(kind)
    if compiler is None:
        raise parsing(f"unknown query [{kind}]")
    return compiler(inside, now_ns)


def _object(kind: str, inside: object, known: set[str]) -> dict[str, Any]:
    if not isinstance(inside, dict):
        raise parsing(f"[{kind}] query malformed, no start_object after query name")
    for key in inside:
        if key not in known:
            raise parsing(f"[{kind}] query does not support [{key}]")
    return inside


def _bool(inside: object, now_ns: int, depth: int) -> Criteria:
    given = _object(
        "bool", inside, {"filter", "must", "must_not", "should", "minimum_should_match", "boost", "_name"}
    )

    def clauses(name: str) -> list[Criteria]:
        listed = given.get(name, [])
        many = listed if isinstance(listed, list) else [listed]
        if len(many) > MAX_CLAUSES:
            raise illegal(f"maxClauseCount is set to {MAX_CLAUSES}")
        return [compile_query(one, now_ns, depth + 1) for one in many]

    required = [*clauses("must"), *clauses("filter")]
    should = clauses("should")
    required += [negated(one) for one in clauses("must_not")]
    least = given.get("minimum_should_match", 0 if required else 1)
    try:
        least = int(least)
    except (TypeError, ValueError) as error:
        raise illegal(f"minimum_should_match [{least}] of this server is a whole number") from error
    if least < 0:
        least += len(should)
    if should and least > 0:
        required.append(at_least(should, least) if len(should) > 1 or least > 1 else should[0])
    return both(required)


# Leaves


def _named(
    kind: str, inside: object, value_key: str, options: set[str]
) -> tuple[Field | None, Any, dict[str, Any]]:
    """(field or None when unmapped, value, options) of `{field: value}` or `{field: {value_key: value,
    ...}}`."""
    if not isinstance(inside, dict) or not inside:
        raise parsing(f"[{kind}] query malformed, no start_object after query name")
    if len(inside) != 1:
        names = list(inside)
        raise parsing(f"[{kind}] query doesn't support multiple fields, found [{names[0]}] and [{names[1]}]")
    name, value = next(iter(inside.items()))
    given: dict[str, Any] = {}
    if isinstance(value, dict):
        given = _object(kind, value, {value_key, "boost", "_name", *options})
        if value_key not in given:
            raise illegal(f"value cannot be null for [{kind}] on [{name}]")
        value = given[value_key]
    if isinstance(value, dict | list) or value is None:
        raise parsing(f"[{kind}] query does not support a value of [{type(value).__name__}] for [{name}]")
    return FIELDS.get(name), value, given


def _term(inside: object, now_ns: int) -> Criteria:
    field, value, given = _named("term", inside, "value", {"case_insensitive"})
    return nothing() if field is None else equals(field, value, now_ns, bool(given.get("case_insensitive")))


def _terms(inside: object, now_ns: int) -> Criteria:
    if not isinstance(inside, dict):
        raise parsing("[terms] query malformed, no start_object after query name")
    fields = [name for name in inside if name not in ("boost", "_name")]
    if len(fields) != 1 or not isinstance(inside[fields[0]], list):
        raise parsing("[terms] query requires one field with an array of values")
    field, values = FIELDS.get(fields[0]), inside[fields[0]]
    if len(values) > 65_536:
        raise illegal("The number of terms has exceeded the allowed maximum of [65536]")
    if field is None or not values:
        return nothing()
    if field.type != "keyword":
        return at_least([equals(field, value, now_ns) for value in values], 1)
    wanted = frozenset(plain(value) for value in values)
    read = field.read
    levels = wanted if field.name == "log.level" else None
    return Criteria(lambda d: read(d) in wanted, levels=levels, only_bounds=levels is not None)


def _range(inside: object, now_ns: int) -> Criteria:
    if not isinstance(inside, dict) or len(inside) != 1:
        raise parsing("[range] query malformed, it takes one field")
    name, bounds = next(iter(inside.items()))
    if not isinstance(bounds, dict):
        raise parsing("[range] query malformed, no start_object after query name")
    for key in bounds:
        if key not in ("gte", "gt", "lt", "lte", "format", "time_zone", "relation", "boost", "_name"):
            raise parsing(f"[range] query does not support [{key}]")
    if bounds.get("time_zone") not in (None, "UTC", "Z", "+00:00"):
        raise illegal(
            f"[range] time_zone [{bounds['time_zone']}] is not supported by this server, which speaks UTC"
        )
    field = FIELDS.get(name)
    if field is None:
        return nothing()
    if field.is_date:
        return _date_range(field, bounds, now_ns)
    read = field.read
    tests: list[Callable[[str], bool]] = []
    for key, holds in _ORDER.items():
        if bounds.get(key) is not None:
            tests.append(holds(str(bounds[key])))
    return Criteria(lambda d: (value := read(d)) is not None and all(test(str(value)) for test in tests))


_ORDER: dict[str, Callable[[str], Callable[[str], bool]]] = {
    "gte": lambda bound: lambda value: value >= bound,
    "gt": lambda bound: lambda value: value > bound,
    "lte": lambda bound: lambda value: value <= bound,
    "lt": lambda bound: lambda value: value < bound,
}


def _date_range(field: Field, bounds: dict[str, Any], now_ns: int) -> Criteria:
    formats = check_format(bounds["format"]) if bounds.get("format") else ()
    unit = MS if field.type == "date" else 1
    lo, hi = -NEVER, NEVER
    for key, upper in (("gte", False), ("gt", True), ("lte", True), ("lt", False)):
        if bounds.get(key) is None:
            continue
        # The field's own resolution decides what "greater" means: milliseconds for @timestamp.
        at = parse_date(bounds[key], now_ns, formats, upper) // unit * unit
        if key == "gte":
            lo = max(lo, at)
        elif key == "gt":
            lo = max(lo, at + unit)
        elif key == "lte":
            hi = min(hi, at + unit - 1)
        else:
            hi = min(hi, at - 1)
    span = Span(lo, hi)
    low, high = -(-lo // unit), hi // unit
    read: Callable[[Any], Any] = field.read
    return spanned(field, span, lambda d: low <= read(d) <= high)


def _match(inside: object, now_ns: int) -> Criteria:
    field, value, given = _named(
        "match", inside, "query", {"operator", "minimum_should_match", "lenient", "zero_terms_query"}
    )
    if field is None:
        return nothing()
    if field.type != "match_only_text":
        return equals(field, value, now_ns)
    return match_text(field, str(value), every=str(given.get("operator", "or")).lower() == "and")


def _match_phrase(inside: object, now_ns: int) -> Criteria:
    field, value, given = _named("match_phrase", inside, "query", {"slop", "analyzer"})
    if given.get("slop") or given.get("analyzer"):
        raise illegal("[match_phrase] of this server takes neither [slop] nor [analyzer]")
    if field is None:
        return nothing()
    return match_phrase(field, str(value), now_ns)


def _match_all(inside: object, now_ns: int) -> Criteria:
    _object("match_all", inside, {"boost", "_name"})
    return anything()


def _match_none(inside: object, now_ns: int) -> Criteria:
    _object("match_none", inside, {"boost", "_name"})
    return nothing()


def _exists(inside: object, now_ns: int) -> Criteria:
    name = _object("exists", inside, {"field", "boost", "_name"}).get("field")
    if not isinstance(name, str):
        raise parsing("[exists] must be provided with a [field]")
    return exists(name)


def _wildcard(inside: object, now_ns: int) -> Criteria:
    key = "value"
    if isinstance(inside, dict) and any(isinstance(v, dict) and "wildcard" in v for v in inside.values()):
        key = "wildcard"
    field, value, given = _named("wildcard", inside, key, {"case_insensitive", "rewrite"})
    return nothing() if field is None else wildcard(field, str(value), bool(given.get("case_insensitive")))


def _prefix(inside: object, now_ns: int) -> Criteria:
    field, value, given = _named("prefix", inside, "value", {"case_insensitive", "rewrite"})
    return nothing() if field is None else prefix(field, str(value), bool(given.get("case_insensitive")))


def _ids(inside: object, now_ns: int) -> Criteria:
    values = _object("ids", inside, {"values", "boost", "_name"}).get("values")
    if not isinstance(values, list):
        raise parsing("[ids] query requires [values]")
    wanted = frozenset(map(str, values))
    return Criteria(lambda d: d.id in wanted)


def _query_string(inside: object, now_ns: int) -> Criteria:
    given = _object(
        "query_string",
        inside,
        {
            "query",
            "default_field",
            "fields",
            "default_operator",
            "analyze_wildcard",
            "lenient",
            "boost",
            "_name",
            "allow_leading_wildcard",
        },
    )
    fields = given.get("fields") or ([given["default_field"]] if given.get("default_field") else ["message"])
    every = str(given.get("default_operator", "or")).lower() == "and"
    return compile_query_string(str(given.get("query", "")), _fields(fields), every, now_ns, simple=False)


def _simple_query_string(inside: object, now_ns: int) -> Criteria:
    given = _object(
        "simple_query_string",
        inside,
        {"query", "fields", "default_operator", "analyze_wildcard", "lenient", "flags", "boost", "_name"},
    )
    every = str(given.get("default_operator", "or")).lower() == "and"
    fields = _fields(given.get("fields") or ["message"])
    return compile_query_string(str(given.get("query", "")), fields, every, now_ns, simple=True)


def _fields(names: list[str]) -> list[Field]:
    every = [name for name in FIELDS if not FIELDS[name].is_date]
    expanded = [one for name in names for one in (every if name == "*" else [str(name).split("^")[0]])]
    return [FIELDS[name] for name in expanded if name in FIELDS]


_LEAVES: dict[str, Callable[[object, int], Criteria]] = {
    "match_all": _match_all,
    "match_none": _match_none,
    "term": _term,
    "terms": _terms,
    "range": _range,
    "match": _match,
    "match_phrase": _match_phrase,
    "exists": _exists,
    "wildcard": _wildcard,
    "prefix": _prefix,
    "ids": _ids,
    "query_string": _query_string,
    "simple_query_string": _simple_query_string,
}
