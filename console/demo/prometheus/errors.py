"""What Prometheus answers instead of data: one exception a kind, each knowing its `errorType` and HTTP
status."""

from __future__ import annotations


class PromError(Exception):
    """Base: `error_type` and `status` are those of Prometheus' web/api/v1, the message is what the reader
    sees."""

    error_type = "internal"
    status = 500


class BadData(PromError):
    """The request is wrong: a parameter, the syntax, a type. 400."""

    error_type = "bad_data"
    status = 400


class ExecutionError(PromError):
    """The query is well formed but cannot be carried out on these series, e.g. many-to-many matching. 422."""

    error_type = "execution"
    status = 422


class QueryTimeout(PromError):
    """The evaluation passed the `timeout` it was given. 503, as Prometheus says it."""

    error_type = "timeout"
    status = 503
