"""Questions about one field: equality, words, phrases, patterns. The DSL and the query strings are both
made of these."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from console.demo.elasticsearch.criteria import Criteria, Span, Test, anything, nothing
from console.demo.elasticsearch.dates import MS, parse_date
from console.demo.elasticsearch.documents import FIELDS, Field
from console.demo.elasticsearch.errors import illegal

MAX_STARS = 6
MAX_PATTERN_CHARS = 200
_TOKEN = re.compile(r"\w+(?:[.']\w+)*")


def tokens(text: str) -> list[str]:
    """The standard analyzer, as far as log lines need it: lower-cased words; dots join digits and letters."""
    return _TOKEN.findall(text.lower())


def equals(field: Field, value: object, now_ns: int, ignore_case: bool = False) -> Criteria:
    """term: exact on keywords and dates, one token on text."""
    read = field.read
    if field.is_date:
        unit = MS if field.type == "date" else 1
        wanted = parse_date(value, now_ns) // unit
        span = Span(wanted * unit, wanted * unit + unit - 1)
        return spanned(field, span, lambda d: read(d) == wanted)
    text = plain(value)
    if field.type == "match_only_text":
        return Criteria(lambda d: text in tokens(str(read(d))))
    if ignore_case:
        lower = text.lower()
        return Criteria(lambda d: str(read(d) or "").lower() == lower)
    levels = frozenset({text}) if field.name == "log.level" else None
    return Criteria(lambda d: read(d) == text, levels=levels, only_bounds=levels is not None)


def plain(value: object) -> str:
    """A scalar as the keyword it is indexed as."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def spanned(field: Field, span: Span, test: Test) -> Criteria:
    """A test on a date field with the bounds it implies."""
    if field.name == "@timestamp":
        return Criteria(test, event=span, only_bounds=True)
    if field.name == "event.ingested":
        return Criteria(test, ingested=span, is_ingested=True)
    return Criteria(test)


def match_text(field: Field, text: str, every: bool) -> Criteria:
    """Words of a text field: any of them, or every one."""
    wanted = frozenset(tokens(text))
    read = field.read
    if not wanted:
        return nothing()
    # A word that is not even a substring cannot be a token: the cheap test spares the split.
    if every:
        return Criteria(
            lambda d: (
                all(word in (low := str(read(d)).lower()) for word in wanted) and wanted <= set(tokens(low))
            )
        )
    return Criteria(
        lambda d: (
            any(word in (low := str(read(d)).lower()) for word in wanted)
            and not wanted.isdisjoint(tokens(low))
        )
    )


def match_phrase(field: Field, text: str, now_ns: int) -> Criteria:
    """Adjacent words of a text field; equality elsewhere."""
    if field.type != "match_only_text":
        return equals(field, text, now_ns)
    words = tokens(text)
    read = field.read
    if not words:
        return nothing()

    def test(d: Any) -> bool:
        low = str(read(d)).lower()
        if words[0] not in low:
            return False
        have = tokens(low)
        return any(have[at : at + len(words)] == words for at in range(len(have) - len(words) + 1))

    return Criteria(test)


def exists(name: str) -> Criteria:
    """Documents with a value in a field, or in any field below an object."""
    reads = [
        field.read for field in FIELDS.values() if field.name == name or field.name.startswith(name + ".")
    ]
    if name in ("@timestamp", "event.ingested"):
        return anything()
    return Criteria(lambda d: any(read(d) is not None for read in reads))


def wildcard(field: Field, pattern: str, ignore_case: bool) -> Criteria:
    """`*` and `?` over a keyword, or over any token of a text."""
    pattern = re.sub(r"\*+", "*", pattern)
    if len(pattern) > MAX_PATTERN_CHARS or pattern.count("*") > MAX_STARS:
        raise illegal(
            f"[wildcard] pattern of this server has at most {MAX_PATTERN_CHARS} characters and {MAX_STARS} "
            "stars"
        )
    translated = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    compiled = re.compile(translated, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
    return _matching(field, lambda text: compiled.fullmatch(text) is not None)


def prefix(field: Field, start: str, ignore_case: bool) -> Criteria:
    """Keywords, or tokens of a text, that begin so."""
    if ignore_case:
        return _matching(field, lambda text: text.lower().startswith(start.lower()))
    return _matching(field, lambda text: text.startswith(start))


def _matching(field: Field, test: Callable[[str], bool]) -> Criteria:
    read = field.read
    if field.is_date:
        raise illegal(
            f"Can only use prefix and wildcard queries on keyword and text fields - not on [{field.name}]",
            phase=True,
        )
    if field.type == "match_only_text":
        return Criteria(lambda d: any(test(word) for word in tokens(str(read(d)))))
    return Criteria(lambda d: (value := read(d)) is not None and test(str(value)))
