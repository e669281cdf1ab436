"""What a pane says instead of rows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.model.cell import Tone
from console.model.failure import Failure, FailureKind
from widgets.cells import width as cells_of
from widgets.notice import Notice, notice_lines

FAILURE = Failure(
    kind=FailureKind.TIMEOUT,
    tried="query gauge egress lhr",
    on="prometheus http://127.0.0.1:9090",
    got="no answer within 5 s",
    hint="midwatch doctor",
    retry_after_s=8,
    ref="a1b2",
)


def text_of(lines: list[list[tuple[str, Tone]]]) -> str:
    return "\n".join("".join(text for text, _ in line) for line in lines)


def test_a_failure_tells_what_was_tried_on_what_what_came_back_and_what_to_do() -> None:
    assert text_of(notice_lines(FAILURE, 60, 20)).split("\n") == [
        " TIMEOUT ",
        "tried  query gauge egress lhr",
        "on     prometheus http://127.0.0.1:9090",
        "got    no answer within 5 s",
        "do     midwatch doctor",
        "wait   asked to retry after 8 s",
        "log    see a1b2 in midwatch's log file",
    ]


@given(st.text(), st.text(), st.integers(0, 80), st.integers(0, 12))
def test_a_notice_never_exceeds_its_room(title: str, body: str, width: int, height: int) -> None:
    for notice in (title, Notice(title, (("got", body), ("", body))), Failure(FailureKind.INTERNAL, title, body, body)):
        lines = notice_lines(notice, width, height)
        assert len(lines) <= height
        if width >= 3:
            assert all(cells_of("".join(text for text, _ in line)) <= width for line in lines)


def test_too_much_text_ends_visibly() -> None:
    assert text_of(notice_lines(FAILURE, 60, 3)).endswith("…")
