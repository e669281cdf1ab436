"""A failure holds nothing that has the shape of a credential, whoever quoted it."""

from __future__ import annotations

import pytest

from console.model.failure import Failure, FailureKind, SourceError
from console.model.shapes import quoted

SECRET = "Kz7q-not-for-eyes"
QUOTES = {
    "bearer": "403: {'Authorization': 'Bearer " + SECRET + "'}",
    "cut": "403: {'Authorization': 'Bearer " + SECRET,
    "own header": "403 {'X-Gate': '" + SECRET + "', 'Via': 'p1'}",
    "own header, cut": "403 {'X-Gate': '" + SECRET,
    "plain header": f"refused: x-scope-gate: {SECRET}",
    "query": f"403 /stat?key={SECRET}&a=1 is not for you",
    "later in the query": f"no route for /stat?a=1&key={SECRET}",
    "address": f"proxy http://ops:{SECRET}@h:1/?k={SECRET} is gone",
    "json": '{"password": "' + SECRET + '"}',
}
HARMLESS = (
    "connection refused", "HTTP 503: overloaded, try again", "is it https?", "what? a=1", "422: x-small is no size",
    "file /run/secrets/prom is not a regular file", "variable PROM_TOKEN is not set", "no answer within 10 s",
)  # fmt: skip


@pytest.mark.parametrize("words", QUOTES.values(), ids=QUOTES)
def test_what_a_server_quotes_of_us_is_in_no_failure_and_no_error(words: str) -> None:
    failure = Failure(kind=FailureKind.UNAUTHORIZED, tried="ask", on="prometheus http://p", got=words)
    error = SourceError(failure)
    for shown in (failure.got, failure.short, str(failure), repr(failure), str(error), repr(error), repr(error.args)):
        assert SECRET not in shown
    assert quoted(failure.got) == failure.got, "said twice it is the same"


@pytest.mark.parametrize("words", HARMLESS)
def test_harmless_words_stay_as_they_are(words: str) -> None:
    assert Failure(kind=FailureKind.UNREACHABLE, tried="ask", on="h", got=words).got == words
