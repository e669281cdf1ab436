"""A LabelSelector as objects carry it (matchLabels, matchExpressions), in the terms of the selectors room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from console.demo.kubernetes.selectors import Requirement

_OPERATOR = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "absent"}


def requirements(selector: Mapping[str, Any]) -> tuple[Requirement, ...]:
    """Empty for the empty selector, which selects everything."""
    found = [Requirement(key, "in", (value,)) for key, value in (selector.get("matchLabels") or {}).items()]
    for one in selector.get("matchExpressions") or []:
        found.append(Requirement(one["key"], _OPERATOR[one["operator"]], tuple(one.get("values") or ())))
    return tuple(found)


def selects(wanted: Sequence[Requirement], labels: Mapping[str, str]) -> bool:
    return all(one.matches(labels) for one in wanted)
