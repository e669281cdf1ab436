"""Label sets and the matchers that select among them.

A label set is a sorted tuple of pairs: hashable, so grouping and vector matching are dictionary look-ups.
Regular expressions are anchored on both ends as Prometheus does it, and what RE2 cannot do is refused rather
than emulated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Literal

import msgspec

Labels = tuple[tuple[str, str], ...]
MatchOp = Literal["=", "!=", "=~", "!~"]
NAME = "__name__"
MAX_PATTERN_CHARS = 1000

_NOT_RE2 = re.compile(r"\(\?(?:[=!>(#]|<[=!]|P=)|\\[1-9]|[*+?}]\+")


class Matcher(msgspec.Struct, frozen=True):
    """`name op value`; a label that is absent matches as the empty string."""

    name: str
    op: MatchOp
    value: str

    def matches(self, value: str) -> bool:
        """Whether a label's value (empty when the label is absent) passes."""
        if self.op == "=":
            return value == self.value
        if self.op == "!=":
            return value != self.value
        return (anchored(self.value).fullmatch(value) is not None) == (self.op == "=~")

    def __str__(self) -> str:
        return f'{self.name}{self.op}"{self.value}"'


@lru_cache(maxsize=512)
def anchored(pattern: str) -> re.Pattern[str]:
    """The compiled pattern, to be used with fullmatch. `.` matches a newline too, as in Prometheus 3.

    Raises ValueError for a pattern RE2 would refuse, or one over MAX_PATTERN_CHARS.
    """
    if len(pattern) > MAX_PATTERN_CHARS:
        raise ValueError(f"regexp of {len(pattern)} characters, the limit is {MAX_PATTERN_CHARS}")
    refused = _NOT_RE2.search(pattern)
    if refused is not None:
        raise ValueError(f"error parsing regexp: invalid or unsupported Perl syntax: `{refused.group()}`")
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise ValueError(f"error parsing regexp: {error}") from error


def labels_of(pairs: Iterable[tuple[str, str]]) -> Labels:
    """A label set from pairs in any order; empty values vanish, as an empty label is no label."""
    return tuple(sorted((name, value) for name, value in pairs if value))


def without_name(labels: Labels) -> Labels:
    """The labels an operation that changes the meaning of the value leaves behind."""
    return tuple(pair for pair in labels if pair[0] != NAME)


def keep(labels: Labels, names: frozenset[str]) -> Labels:
    """Only the named labels."""
    return tuple(pair for pair in labels if pair[0] in names)


def drop(labels: Labels, names: frozenset[str]) -> Labels:
    """All but the named labels."""
    return tuple(pair for pair in labels if pair[0] not in names)


def selects(matchers: tuple[Matcher, ...], labels: Labels) -> bool:
    """Whether every matcher accepts the label set."""
    known = dict(labels)
    return all(matcher.matches(known.get(matcher.name, "")) for matcher in matchers)


def spelled(labels: Labels) -> str:
    """`name{a="b"}`, for error texts."""
    inside = ", ".join(f'{name}="{value}"' for name, value in without_name(labels))
    return f"{dict(labels).get(NAME, '')}{{{inside}}}"
