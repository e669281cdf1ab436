"""Index expressions: which of them name our one index, and what Elasticsearch says of those that name
none."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

from console.demo.elasticsearch.documents import ALIAS, INDEX
from console.demo.elasticsearch.errors import EsError


def resolves(expression: str, ignore_unavailable: bool = False, allow_no_indices: bool = True) -> bool:
    """Whether a comma-separated expression comes to the index.

    Raises EsError (404) for a concrete name that does not exist, or for a pattern without match when that is
    not allowed.
    """
    found = False
    for one in expression.split(",") if expression else ["*"]:
        if one.startswith("-") and found:
            found = not _names(one[1:])
        elif one == "_all" or _names(one):
            found = True
        elif "*" not in one and not ignore_unavailable:
            raise no_such_index(one)
    if not found and not allow_no_indices:
        raise no_such_index(expression)
    return found


def _names(pattern: str) -> bool:
    return any(fnmatchcase(name, pattern) for name in (INDEX, ALIAS))


def no_such_index(name: str) -> EsError:
    """404, naming the index."""
    details: dict[str, Any] = {
        "resource.type": "index_or_alias",
        "resource.id": name,
        "index_uuid": "_na_",
        "index": name,
    }
    return EsError(404, "index_not_found_exception", f"no such index [{name}]", **details)
