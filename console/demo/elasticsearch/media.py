"""Media types: which JSON a client speaks, and the refusal of a version 8.x does not speak."""

from __future__ import annotations

import re

from console.demo.elasticsearch.errors import EsError

PLAIN = "application/json"
COMPATIBLE = "application/vnd.elasticsearch+json;compatible-with=8"
_VENDOR = re.compile(
    r"application/vnd\.elasticsearch\+(x-ndjson|json)\s*(?:;\s*compatible-with\s*=\s*(\d+))?"
)


def answer_type(accept: str) -> str:
    """The Content-Type to answer an Accept header with.

    Raises EsError: 400 for a vendor type of a version other than 7 or 8.
    """
    return COMPATIBLE if _vendor("Accept", accept) else PLAIN


def check_body_type(content_type: str) -> None:
    """Raises EsError: 400 for a wrong version, 406 for a body that is no JSON."""
    if _vendor("Content-Type", content_type):
        return
    if content_type.split(";")[0].strip().lower() not in (PLAIN, "application/x-ndjson"):
        raise EsError(406, "media_type_header_exception", f"Content-Type header [{content_type}] is not supported")


def _vendor(header: str, value: str) -> bool:
    match = _VENDOR.search(value.lower())
    if match is None:
        return False
    version = match.group(2)
    if version not in (None, "7", "8"):
        raise EsError(
            400,
            "media_type_header_exception",
            f"Invalid media-type value on headers [{header}]",
            caused_by={
                "type": "status_exception",
                "reason": f"{header} version must be either version 8 or 7, but found {version}. "
                "{header}={value}",
            },
        )
    return True
