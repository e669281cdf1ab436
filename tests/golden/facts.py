"""What can be asserted of a screen: that a row says its letter and words, a head its state, a line its reason."""

from __future__ import annotations

from collections.abc import Callable

from tests.stage import Stage

Fact = Callable[[Stage], None]


def _found(lines: list[str], words: tuple[str, ...], where: str) -> str:
    for line in lines:
        if all(word in line for word in words):
            return line
    raise AssertionError(f"no line of {where} says {' and '.join(map(repr, words))}:\n" + "\n".join(lines))


def row(view: str, letter: str, *words: str) -> Fact:
    """In this pane there is a row that begins with this letter and says these words."""

    def check(stage: Stage) -> None:
        line = _found(stage.of(view)[1:], words, view)
        assert line[1:2].strip() == letter.strip(), f"{letter!r} is not the letter of {line!r}"

    return check


def head(view: str, letter: str, *words: str) -> Fact:
    """The pane's head (or its one line) begins with this letter and says these words."""

    def check(stage: Stage) -> None:
        line = stage.of(view)[0]
        assert line[1:2].strip() == letter.strip(), f"{letter!r} is not the letter of the head {line!r}"
        _found([line], words, f"the head of {view}")

    return check


def foot(view: str, *words: str) -> Fact:
    """The pane's last line, or its last two where a sentence runs over, says these words."""

    def check(stage: Stage) -> None:
        last = stage.of(view)[-2:]
        _found([" ".join(line.strip() for line in last)], words, f"the foot of {view}")

    return check


def body(view: str, *words: str) -> Fact:
    """Each of these texts stands somewhere in the pane."""

    def check(stage: Stage) -> None:
        for word in words:
            _found(stage.of(view), (word,), view)

    return check


def never(view: str, *words: str) -> Fact:
    """None of these texts stands in the pane: a claim that nobody can make."""

    def check(stage: Stage) -> None:
        said = "\n".join(stage.of(view))
        assert said, f"{view} is not on the screen"
        for word in words:
            assert word not in said, f"{view} says {word!r}:\n{said}"

    return check


def top(*words: str) -> Fact:
    """The alert strip says these words."""
    return lambda stage: void(_found(stage.lines()[:1], words, "the head line"))


def top_never(*words: str) -> Fact:
    """The alert strip does not say these words."""

    def check(stage: Stage) -> None:
        for word in words:
            assert word not in stage.lines()[0], stage.lines()[0]

    return check


def incident(*words: str) -> Fact:
    """The line above the keys says these words."""
    return lambda stage: void(_found(stage.lines()[-2:-1], words, "the incident strip"))


def keys(*words: str) -> Fact:
    """The last line names these keys."""
    return lambda stage: void(_found(stage.lines()[-1:], words, "the key bar"))


def page(*words: str) -> Fact:
    """The whole screen, a page over it included, has a line with each of these texts."""

    def check(stage: Stage) -> None:
        for word in words:
            _found(stage.lines(), (word,), "the screen")

    return check


def page_never(*words: str) -> Fact:
    """No line of the screen has any of these texts."""

    def check(stage: Stage) -> None:
        for word in words:
            assert word not in stage.text, stage.text

    return check


def strip(*words: str) -> Fact:
    """The line above the incident strip, of an operation, says these words."""
    return lambda stage: void(_found(stage.lines()[-3:-2], words, "the operation's strip"))


def whole(width: int, height: int) -> Fact:
    """Every line is drawn to the last cell and no further, and every line is there."""

    def check(stage: Stage) -> None:
        strips = stage.strips()
        assert [strip.cell_length for strip in strips] == [width] * height

    return check


def void(_: object) -> None:
    """A fact says nothing when it holds."""
