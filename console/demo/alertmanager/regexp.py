"""Go's regular expressions as far as labels need them: what RE2 refuses is refused here, in its words.

Python's engine does the matching. It knows more than RE2 (look-around, back references), so that is refused
first; and its complaints are said the way Go says them, for the ones a person types by accident.
"""

from __future__ import annotations

import re

MAX_REPEAT = 1000


class BadRegexp(ValueError):
    """`error parsing regexp: ...`, as Go's regexp/syntax says it."""


_REPEAT = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_ESCAPES = frozenset("abfnrtvxpPQECdDwWsSAzB0")


def compiled(pattern: str, shown: str | None = None) -> re.Pattern[str]:
    """For fullmatch. `shown` is the expression the complaint quotes when it quotes the whole of it. Raises
    BadRegexp."""
    whole = pattern if shown is None else shown
    _as_re2(pattern)
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as wrong:
        raise BadRegexp(f"error parsing regexp: {_complaint(pattern, whole, wrong)}") from wrong


def _as_re2(pattern: str) -> None:
    at, in_class = 0, False
    while at < len(pattern):
        one = pattern[at]
        if one == "\\":
            following = pattern[at + 1 : at + 2]
            # RE2 knows \1 to \7 for octal digits only, and no other letter than its own.
            if following.isalnum() and following not in _ESCAPES:
                raise BadRegexp(f"error parsing regexp: invalid escape sequence: `\\{following}`")
            at += 2
            continue
        if in_class:
            in_class = one != "]"
        elif one == "[":
            in_class = True
            if pattern[at + 1 : at + 2] == "^":
                at += 1
            if pattern[at + 1 : at + 2] == "]":
                at += 1
        elif pattern.startswith(("(?=", "(?!", "(?<", "(?#", "(?("), at):
            said = pattern[at : at + 3]
            raise BadRegexp(f"error parsing regexp: invalid or unsupported Perl syntax: `{said}`")
        elif one == "{" and (repeat := _REPEAT.match(pattern, at)):
            low, high = int(repeat.group(1)), int(repeat.group(2) or 0)
            if max(low, high) > MAX_REPEAT or (repeat.group(2) and high < low):
                raise BadRegexp(f"error parsing regexp: invalid repeat count: `{repeat.group()}`")
        at += 1


def _complaint(pattern: str, whole: str, wrong: re.error) -> str:
    said, at = wrong.msg, wrong.pos or 0
    if "unterminated subpattern" in said:
        return f"missing closing ): `{whole}`"
    if "unbalanced parenthesis" in said:
        return f"unexpected ): `{whole}`"
    if "unterminated character set" in said:
        return f"missing closing ]: `{pattern[at:]}`"
    if "nothing to repeat" in said:
        return f"missing argument to repetition operator: `{pattern[at : at + 1]}`"
    if "multiple repeat" in said:
        return f"invalid nested repetition operator: `{pattern[at - 1 : at + 1]}`"
    if "end of pattern" in said:
        return "trailing backslash at end of expression: ``"
    if said.startswith("bad character range"):
        return f"invalid character class range: `{said.rpartition(' ')[2]}`"
    return f"{said}: `{whole}`"
