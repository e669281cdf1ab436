"""The two shapes an error has: a JSON string, and go-openapi's object."""

from __future__ import annotations


class BadRequest(ValueError):
    """Alertmanager's own refusal: answered with `status` and its text as a JSON string."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


class Invalid(ValueError):
    """What the API's description refuses before Alertmanager sees it: `{code, message}` with `status`."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
