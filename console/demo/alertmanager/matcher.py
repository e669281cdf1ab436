"""One condition on a label: as a filter of a request spells it, and as a silence keeps it."""

from __future__ import annotations

import re
from typing import NamedTuple

from console.demo.alertmanager.errors import BadRequest
from console.demo.alertmanager.regexp import BadRegexp, compiled

_FILTER = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.DOTALL)


class Matcher(NamedTuple):
    name: str
    operator: str
    """One of = != =~ !~."""
    value: str
    pattern: re.Pattern[str] | None

    def accepts(self, labels: dict[str, str]) -> bool:
        """A label that is not there counts as empty; an expression must match the whole value."""
        found = labels.get(self.name, "")
        if self.pattern is None:
            return (found == self.value) == (self.operator == "=")
        return (self.pattern.fullmatch(found) is not None) == (self.operator == "=~")

    @property
    def spelled(self) -> tuple[str, str, str]:
        """What two matchers are compared by."""
        return self.name, self.operator, self.value

    def shown(self) -> dict[str, object]:
        """As the v2 API shows it."""
        return {"isEqual": self.operator in ("=", "=~"), "isRegex": self.operator in ("=~", "!~"),
                "name": self.name, "value": self.value}


def parse_matcher(text: str) -> Matcher:
    """A filter: `name="value"` or bare. Raises BadRequest in Alertmanager's words."""
    parts = _FILTER.fullmatch(text)
    if parts is None:
        raise BadRequest(f"bad matcher format: {text}")
    name, operator, raw = parts.groups()
    if len(raw) >= 2 and raw[0] == raw[-1] == '"':
        raw = raw[1:-1]
    if re.search(r'(?<!\\)(?:\\\\)*"', raw):
        raise BadRequest(f"matcher value contains unescaped double quote: {parts.group(3)}")
    value = re.sub(r'\\([n"\\])', lambda found: "\n" if found.group(1) == "n" else found.group(1), raw)
    if operator in ("=", "!="):
        return Matcher(name, operator, value, None)
    try:
        return Matcher(name, operator, value, compiled(value, f"^(?:{value})$"))
    except BadRegexp as wrong:
        raise BadRequest(str(wrong)) from wrong
