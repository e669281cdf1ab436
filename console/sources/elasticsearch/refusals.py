"""What the tail cannot work with, although the server answered: said so that the reader knows what to change."""

from __future__ import annotations

from console.model.failure import Failure, FailureKind
from console.sources.elasticsearch.answers import Capabilities
from console.sources.elasticsearch.client import KIND

TRIED = "tail the logs"


def undated(name: str, capabilities: Capabilities) -> Failure:
    """No index has the time of a line as a date. Asked about all the same, text is refused with a stack of causes and a
    field that is not there is answered with no lines, for ever.
    """
    return Failure(
        kind=FailureKind.REJECTED,
        tried=TRIED,
        on=KIND,
        got=f"{name} is no date in any index: {capabilities.spelt(name)}",
        hint=f"map {name} as date (an index template); lines without it have no place in a stream",
    )


def unreadable_page() -> Failure:
    """A page after which there is no next one to ask for."""
    return Failure(
        kind=FailureKind.BAD_ANSWER,
        tried=TRIED,
        on=KIND,
        got="a page of hits without ids or sort values",
        hint="is this Elasticsearch?",
    )
