"""Elasticsearch's errors: one exception with the status, type and reason its REST layer would give."""

from __future__ import annotations

from typing import Any


class EsError(Exception):
    """Answered as `{"error": {"root_cause": [...], "type", "reason"}, "status"}`.

    `phase` wraps it in the search_phase_execution_exception that a shard's failure arrives in; `details` are
    further members beside type and reason.
    """

    def __init__(self, status: int, type_: str, reason: str, phase: bool = False, **details: Any) -> None:
        super().__init__(reason)
        self.status = status
        self.type = type_
        self.reason = reason
        self.phase = phase
        self.details = details

    def body(self) -> dict[str, Any]:
        """The JSON body. A media type is refused before anybody could word a cause: 8.19 says it in one line."""
        if self.status == 406:
            return {"error": self.reason, "status": self.status}
        cause = {"type": self.type, "reason": self.reason, **self.details}
        root = {key: value for key, value in cause.items() if key != "caused_by"}
        error = {"root_cause": [root], **cause}
        if self.phase:
            error = {
                "root_cause": [root],
                "type": "search_phase_execution_exception",
                "reason": "all shards failed",
                "phase": "query",
                "grouped": True,
                "failed_shards": [{"shard": 0, "index": cause.get("index"), "reason": cause}],
            }
        return {"error": error, "status": self.status}


def parsing(reason: str) -> EsError:
    """The body says something this server cannot read. 400."""
    return EsError(400, "parsing_exception", reason, line=1, col=1)


def illegal(reason: str, phase: bool = False) -> EsError:
    """A value out of its range. 400."""
    return EsError(400, "illegal_argument_exception", reason, phase)
