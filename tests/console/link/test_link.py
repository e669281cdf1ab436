"""Whatever is wanted, the terminal shows it: after any updates, by any route, on any terminal that keeps to the standards."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.link import PLAIN, Flight, Link, Look
from tests.console.link.terminal import RIGHT, Seen, Terminal, common_width
from tests.console.link.wanted import COMMON, DOUBTED, Painter, Wanted, graphemes_of

PAINTINGS = (
    Painter.scribble, Painter.scribble, Painter.scribble, Painter.blank, Painter.recolour, Painter.scroll, Painter.fill,
    Painter.resize,
)  # fmt: skip
UPDATES = 50  # a run


class Play:
    """A wanted frame, a Link, a channel that holds one frame, a terminal at its end."""

    def __init__(self, seed: int, alphabet: tuple[str, ...], terminal: Terminal, synchronized: bool) -> None:
        self.random = Random(seed)
        self.terminal = terminal
        size = terminal.width, terminal.height
        self.wanted = Wanted(*size)
        self.link = Link(*size, bce=terminal.bce, synchronized=synchronized)
        self.painter = Painter(self.wanted, self.link, alphabet)
        self.flight = Flight()
        self.channel = ""
        self.sent = 0
        self.is_stale = False  # what is in flight was made for a screen that is no more
        self.cursor: tuple[int, int] | None = None

    def update(self) -> None:
        painting = self.random.choice(PAINTINGS)
        painting(self.painter, self.random)
        if painting is Painter.resize:
            self._upset(self.wanted.width, self.wanted.height)
            self.cursor = None
            self.link.free_cursor()
        elif self.random.random() < 0.03:
            self._upset(self.terminal.width, self.terminal.height)
            self.link.forget()
        elif self.random.random() < 0.1:
            self.cursor = self.random.randrange(self.wanted.width), self.random.randrange(self.wanted.height)
            self.link.place_cursor(*self.cursor)
        if self.link.has_news and self.flight.offered():
            self.depart()
        if self.random.random() < 0.5:
            self.land()

    def _upset(self, width: int, height: int) -> None:
        self.terminal.resize(width, height)
        self.is_stale = self.flight.in_flight

    def depart(self) -> None:
        self.channel = self.link.frame()
        self.sent += len(self.channel)
        self.flight.departed(len(self.channel), 0.0)
        assert not self.link.has_news

    def land(self) -> None:
        while self.flight.in_flight:
            before = self.terminal.has_scrolled
            self.terminal.feed(self.channel)
            assert self.terminal.has_scrolled == before or self.is_stale
            self.is_stale = False
            if self.flight.landed():
                self.depart()

    def ends_well(self, doubted: tuple[str, ...] = ()) -> None:
        """All landed, every cell is as wanted; where terminals think otherwise, all the others are."""
        self.land()
        if self.link.has_news:
            self.depart()
            self.land()
        for y, (now, wanted) in enumerate(zip(self.terminal.seen(), self.wanted.seen(), strict=True)):
            assert _but(now, wanted, doubted) == _but(wanted, wanted, doubted), f"line {y}"
        assert self.flight.bytes == self.sent
        if self.cursor is not None:
            assert (self.terminal.x, self.terminal.y) == self.cursor


def _but(line: list[Seen], wanted: list[Seen], doubted: tuple[str, ...]) -> list[Seen | None]:
    """Without the cells where a doubted character is wanted."""
    left_out = {x for x, cell in enumerate(wanted) if cell.shown in doubted}
    left_out |= {x + 1 for x in left_out if x + 1 < len(wanted) and wanted[x + 1].shown == RIGHT}
    return [None if x in left_out else cell for x, cell in enumerate(line)]


seeds = st.integers(0, 2**32)
flags = st.booleans()
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def _plays(seed: int, bce: bool, onlcr: bool, obeys: bool, synchronized: bool) -> None:
    terminal = Terminal(
        Random(seed).randint(1, 30), Random(~seed).randint(1, 9), bce=bce, onlcr=onlcr, obeys_decawm=obeys
    )
    play = Play(seed, COMMON + DOUBTED, terminal, synchronized)
    for _ in range(UPDATES):
        play.update()
        if not play.flight.in_flight:
            play.ends_well()
    play.ends_well()


@settings(calm, max_examples=40)
@given(seeds, flags, flags, flags, flags)
def test_the_terminal_shows_the_wanted_frame_cell_by_cell(
    seed: int, bce: bool, onlcr: bool, obeys: bool, synchronized: bool
) -> None:
    _plays(seed, bce, onlcr, obeys, synchronized)


@pytest.mark.proof
@settings(calm, max_examples=200)
@given(seeds, flags, flags, flags, flags)
def test_ten_thousand_updates_and_it_still_does(
    seed: int, bce: bool, onlcr: bool, obeys: bool, synchronized: bool
) -> None:
    _plays(seed, bce, onlcr, obeys, synchronized)


def _narrow_emoji(char: str) -> int:
    return 1 if char == "😀" else common_width(char)


def _wide_symbols(char: str) -> int:
    return 2 if char in "⚠❤\U000f0001" else common_width(char)


def _marks_take_a_cell(char: str) -> int:
    return 1 if char in "\u0e34\ufe0f" else common_width(char)


@pytest.mark.parametrize("width_of", [_narrow_emoji, _wide_symbols, _marks_take_a_cell, common_width])
@settings(calm, max_examples=10)
@given(seed=seeds, bce=flags)
def test_a_terminal_that_thinks_otherwise_of_a_characters_width_is_wrong_there_alone(
    width_of: object, seed: int, bce: bool
) -> None:
    terminal = Terminal(24, 6, bce=bce, width_of=width_of, joins_left=True)  # type: ignore[arg-type]
    play = Play(seed, COMMON + DOUBTED, terminal, synchronized=False)
    for _ in range(UPDATES):
        play.update()
    play.ends_well(DOUBTED)


def test_what_a_doubted_character_may_be_drawn_over_is_sent_again_as_a_whole() -> None:
    link, terminal = Link(10, 1), Terminal(10, 1, width_of=_wide_symbols)
    link.put(0, 0, [("x日yyy", PLAIN)])
    terminal.feed(link.frame())
    link.put(0, 0, [("⚠", PLAIN)])
    terminal.feed(link.frame())
    link.put(8, 0, [("q", PLAIN)])
    terminal.feed(link.frame())
    assert "".join(cell.shown for cell in terminal.seen()[0][1:]) == f"日{RIGHT}yyy  q "


def test_a_wide_character_leaves_nothing_old_beside_it_where_it_is_drawn_narrow() -> None:
    link, terminal = Link(10, 1), Terminal(10, 1, width_of=_narrow_emoji)
    link.put(0, 0, [("abc", PLAIN)])
    terminal.feed(link.frame())
    link.put(0, 0, [("😀", PLAIN)])
    terminal.feed(link.frame())
    assert "".join(cell.shown for cell in terminal.seen()[0]) == "😀 c       "


def test_nothing_is_sent_for_what_is_there_already() -> None:
    link = Link(20, 2)
    link.put(0, 0, [("viewers ", PLAIN), ("120", Look.of("31"))])
    link.frame()
    link.put(0, 0, [("viewers ", PLAIN), ("120", Look.of("31"))])
    assert not link.has_news
    link.put(8, 0, [("121", Look.of("31"))])
    link.put(8, 0, [("120", Look.of("31"))])
    assert not link.has_news
    assert link.frame() == ""


def test_a_clock_that_goes_on_costs_two_bytes() -> None:
    link = Link(80, 24)
    link.put(70, 0, [("12:00:01", PLAIN)])
    link.frame()
    link.put(70, 0, [("12:00:02", PLAIN)])
    assert link.frame() == "\b2"


def test_the_colour_of_a_blank_is_not_worth_a_byte() -> None:
    link = Link(20, 2)
    link.put(0, 0, [("a b", Look.of("31"))])
    link.frame()
    link.put(0, 0, [("a", Look.of("31")), (" ", Look.of("32", "", 1)), ("b", Look.of("31"))])
    assert link.frame() == ""
    link.put(1, 0, [(" ", Look.of("32", "44"))])
    assert link.frame() == "\x1b[44m\b\b "


@pytest.mark.parametrize("bce", [True, False])
def test_a_long_rest_of_a_line_is_erased_where_its_background_allows_it(bce: bool) -> None:
    link = Link(80, 2, bce=bce)
    blue = Look.of("", "44")
    for y, look in enumerate((PLAIN, blue)):
        link.put(0, y, [("x" * 80, look)])
    link.frame()
    link.put(0, 0, [(" " * 80, PLAIN)])
    assert "\x1b[K" in link.frame()
    link.put(0, 1, [(" " * 80, blue)])
    assert ("\x1b[K" in link.frame()) == bce


def test_what_is_forgotten_is_painted_again_from_an_empty_screen() -> None:
    link, terminal = Link(10, 2), Terminal(10, 2)
    link.put(0, 1, [("日本", Look.of("31"))])
    first = link.frame()
    link.forget()
    assert link.has_news
    assert link.frame() == first
    terminal.feed("\x1b[1;1Hgarbage" + first)
    assert "".join(cell.shown for cell in terminal.seen()[0]) == " " * 10


def test_a_frame_of_several_packets_is_shown_at_once_where_that_is_offered() -> None:
    small, large = Link(80, 24, synchronized=True), Link(80, 24, synchronized=True)
    small.put(0, 0, [("x", PLAIN)])
    assert "2026" not in small.frame()
    for y in range(24):
        large.put(0, y, [("x" * 80, PLAIN)])
    frame = large.frame()
    assert frame.startswith("\x1b[?2026h")
    assert frame.endswith("\x1b[?2026l")


@pytest.mark.parametrize(
    "nasty", ["\x1b]52;c;YQ==\x07", "a\nb", "\x9b2J", "\ud800", "\x00", "\u0301x", "a" + "\u0301" * 50]
)
def test_no_control_leaves_and_the_line_stays_whole(nasty: str) -> None:
    link, terminal = Link(40, 3), Terminal(40, 3)
    link.put(0, 1, [(nasty, PLAIN), ("|", PLAIN)])
    terminal.feed(link.frame())
    assert max(len(cell.shown) for cell in terminal.seen()[1]) <= 8
    assert "|" in [cell.shown for cell in terminal.seen()[1]]


def test_ever_new_looks_and_characters_are_forgotten_again() -> None:
    link, terminal = Link(20, 4), Terminal(20, 4)
    wanted = Wanted(20, 4)
    painter = Painter(wanted, link, COMMON)
    random = Random(7)
    for number in range(5000):
        style = terminal.style._replace(
            foreground=f"38;2;{number % 256};{number // 256};0", background="", attributes=frozenset()
        )
        mark = chr(0x300 + number % 64) + chr(0x300 + number // 64 % 64) + chr(0x300 + number // 4096)
        painter.put(random.randrange(20), random.randrange(4), [("a" + mark, style)])
        if number % 25 == 0:
            terminal.feed(link.frame())
    terminal.feed(link.frame())
    assert terminal.seen() == wanted.seen()
    assert len(link._canvas._look_codes) < 2000
    assert len(link._canvas._clusters) < 2000
    assert len(graphemes_of(wanted.cells[0])) == 20


def test_a_terminal_of_no_size_is_one_cell() -> None:
    link = Link(0, -1)
    link.put(0, 0, [("ab", PLAIN)])
    assert link.frame().endswith("a")
    link.resize(0, 0)
    assert (link.width, link.height) == (1, 1)
    assert link.frame().endswith("a")
