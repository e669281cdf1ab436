"""How few bytes: held against the least that any way of saying the same could take, on updates like those of a night."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from console.link import Link
from tests.console.link.terminal import Style, Terminal
from tests.console.link.wanted import Grapheme, Wanted, graphemes_of, pieces_of

WIDTH, HEIGHT = 120, 36
UPDATES = 12
MOVE = 6  # bytes to get to a run
Screen = list[list[Grapheme]]

GROUND = "48;2;18;18;18"
TEXT, QUIET, GOOD, WARN, BAD = (
    Style(colour, GROUND, frozenset(["bold"]) if is_bold else frozenset())
    for colour, is_bold in (
        ("38;2;224;224;224", False), ("38;2;128;128;128", False), ("38;2;98;209;150", False), ("38;2;230;180;80", True),
        ("38;2;240;90;90", True),
    )
)  # fmt: skip
COLOURED = [TEXT, QUIET, GOOD, WARN, BAD]
BARE = [Style(), Style("90"), Style("32"), Style("33", "", frozenset(["bold"])), Style("31", "", frozenset(["bold"]))]


def line(*pieces: tuple[str, Style]) -> list[Grapheme]:
    cells = [(char, style) for text, style in pieces for char in text][:WIDTH]
    return cells + [(" ", pieces[-1][1])] * (WIDTH - len(cells))


def table(tick: int, styles: list[Style]) -> Screen:
    """Channels: a third of them have a new number at each tick, a row changes its state now and then."""
    text, quiet, good, warn, bad = styles
    rows = [line((f"midwatch  overview  {12 + tick // 3600:02}:{tick // 60 % 60:02}:{tick % 60:02}", quiet))]
    for row in range(HEIGHT - 1):
        steps = (tick + row) // 3
        rate = (row * 7919 + steps * 131) % 90_000
        state = bad if (row * 5 + steps) % 23 == 0 else warn if (row + steps // 4) % 11 == 0 else good
        rows.append(
            line(
                (f"  channel-{row:03d}   ", text), ("BAD " if state is bad else "WARN" if state is warn else "OK  ", state),
                (f"{rate:>9}", text), (" kbit/s  ", quiet), (f"{rate / 977:6.2f} s behind", text),
                (f"   edge-{row % 5}.example", quiet),
            )
        )  # fmt: skip
    return rows


def board(tick: int, styles: list[Style]) -> Screen:
    """Trends that move on by a cell, gauges, panes with borders."""
    text, quiet, good, warn, _ = styles
    rows = []
    for row in range(HEIGHT):
        trend = "".join("▁▂▃▄▅▆▇█"[((at + tick) * 7 + row) % 11 % 8] for at in range(UPDATES + 1))
        full = (tick * 3 + row * 5) % 40
        rows.append(
            line(
                ("│ ", quiet), (f"pod-{row:02d} ", text), (trend if row % 6 == 0 else trend[:3] * 10, good), (" │ ", quiet),
                ("█" * full, warn), ("░" * (40 - full), quiet), (f" {full * 2.5:5.1f}% │", text),
            )
        )  # fmt: skip
    return rows


def log(tick: int, styles: list[Style]) -> Screen:
    """Lines that move up by one or two at each tick."""
    text, quiet, good, warn, bad = styles
    return [
        line(
            (f"12:{at // 60 % 60:02}:{at % 60:02}.{at * 37 % 1000:03} ", quiet),
            (("ERROR ", bad) if at % 13 == 0 else ("WARN  ", warn) if at % 5 == 0 else ("INFO  ", good)),
            (f"packager[{at * 7 % 991}]: segment {at * 3} of rendition {at % 4} took {at * 77 % 9000} ms", text),
        )
        for at in range(tick * 3 // 2, tick * 3 // 2 + HEIGHT)
    ]


def mixed(tick: int, styles: list[Style]) -> Screen:
    return [*table(tick, styles)[:12], *board(tick // 2, styles)[:10], *log(tick // 4, styles)[: HEIGHT - 22]]


def recorded(scene: Callable[[int, list[Style]], Screen], styles: list[Style]) -> Iterator[Screen]:
    for tick in range(UPDATES + 1):
        yield scene(tick, styles)


def least(before: Screen, after: Screen, pen: Style) -> tuple[int, Style]:
    """Bytes of every changed run: to get there, its text, its changes of colour; and the pen behind it."""
    size = 0
    for was, now in zip(before, after, strict=True):
        if was == now:
            continue
        was_seen, now_seen = Wanted(WIDTH, 1), Wanted(WIDTH, 1)
        was_seen.put(0, 0, was)
        now_seen.put(0, 0, now)
        is_in_run = False
        for old, new, (shown, style) in zip(was_seen.seen()[0], now_seen.seen()[0], now, strict=True):
            if old == new:
                is_in_run = False
                continue
            size += (0 if is_in_run else MOVE) + len(shown.encode()) + sgr(pen, style)
            pen, is_in_run = style, True
    return size, pen


def sgr(before: Style, after: Style) -> int:
    """Of what differs."""
    codes = [
        code or default for was, code, default in zip(before[:2], after[:2], ("39", "49"), strict=True) if was != code
    ]
    codes += ["1"] * len(after.attributes - before.attributes) + ["22"] * len(before.attributes - after.attributes)
    return len(f"\x1b[{';'.join(codes)}m") if codes else 0


def put(link: Link, screen: Screen) -> None:
    for y, cells in enumerate(screen):
        link.put(0, y, pieces_of(cells))


@pytest.mark.parametrize(
    ("scene", "styles"), [(mixed, BARE), *((scene, COLOURED) for scene in (table, board, log, mixed))]
)
def test_an_update_takes_at_most_half_more_than_the_least(
    scene: Callable[[int, list[Style]], Screen], styles: list[Style]
) -> None:
    screens = recorded(scene, styles)
    before = next(screens)
    link, terminal, wanted = Link(WIDTH, HEIGHT), Terminal(WIDTH, HEIGHT), Wanted(WIDTH, HEIGHT)
    put(link, before)
    terminal.feed(link.frame())
    sent = minimum = 0
    pen = Style()
    for after in screens:
        put(link, after)
        frame = link.frame()
        terminal.feed(frame)
        sent += len(frame.encode())
        size, pen = least(before, after, pen)
        minimum += size
        before = after
    for y, cells in enumerate(before):
        wanted.put(0, y, graphemes_of(cells))
    assert terminal.seen() == wanted.seen()
    print(f"{scene.__name__}: {sent / UPDATES:.0f} B an update, least {minimum / UPDATES:.0f} B, x{sent / minimum:.2f}")
    assert 0 < sent <= 1.5 * minimum
