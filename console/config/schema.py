"""The configuration as a JSON schema, for editors."""

from __future__ import annotations

from typing import Any

import msgspec

from console.config.root import Config


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of config.toml. What holds between keys (exactly one of url and urls) only
    `config check` knows.
    """
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_closed(msgspec.json.schema(Config))}


def _closed(node: Any) -> Any:
    """Unknown keys are errors in `check.py`; the structs are open only because that tells them better than
    msgspec.
    """
    if isinstance(node, list):
        return [_closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(entry) for key, entry in node.items()}
    if isinstance(node.get("properties"), dict):
        closed["additionalProperties"] = False
    return closed
