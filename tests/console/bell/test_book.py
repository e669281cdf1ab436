"""What is news, what is a copy, and that nothing is lost or counted twice: the book alone."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.bell.book import MOST_ALERTS, REOPENED_S, REPLAY_S, Book, Heard, Opened, Posted, Said, State, Telling
from console.bell.notification import Notification, Told

DAY_S = 86_400.0


def told(fingerprint: str, *, firing: bool = True, since: float = 0.0) -> Told:
    return Told(fingerprint, firing, since, {"alertname": "A"}, {})


def call(*alerts: Told, group: str = "g", left_out: int = 0) -> Notification:
    return Notification(group=group, labels={}, alerts=alerts, left_out=left_out)


def hear(book: Book, at: float, *alerts: Told, group: str = "g") -> int:
    news = book.news(call(*alerts, group=group), at)
    if news:
        said = tuple(Said(each.fingerprint, each.is_firing, each.since, "A", "CRIT", (), "overview", "line") for each in news)
        book.apply(Heard(at, group, "A", said))
    return len(news)


def tell(book: Book, at: float) -> list[tuple[str, int, int]]:
    """Everything there is to tell: (thread, fired, resolved)."""
    for group in list(book.waiting):
        book.apply(Opened(at, f"t-{group}-{at}", (group,)))
    found = []
    for thread in list(book.state.threads.values()):
        if thread.news is not None or thread.telling is not None:
            book.apply(Telling(at, thread.name))
            assert thread.telling is not None
            found.append((thread.name, thread.telling.fired, thread.telling.resolved))
            book.apply(Posted(at, thread.name))
    return found


def test_a_copy_is_no_news_in_whatever_order_it_comes() -> None:
    book = Book()
    assert hear(book, 0, told("a"), told("b")) == 2
    assert hear(book, 1, told("b"), told("a")) == 0
    assert hear(book, 2, told("a", firing=False)) == 1
    assert hear(book, 3, told("a")) == hear(book, 4, told("a", firing=False)) == 0
    assert hear(book, 5, told("a", since=5)) == 1, "it fires again"
    assert hear(book, 6, told("a", firing=False)) == 0, "the end of what was before"
    assert book.state.groups["g"].firing == 2


def test_what_fires_under_its_old_start_long_after_it_was_over_fires_again() -> None:
    book = Book()
    hear(book, 0, told("a"))
    hear(book, 10, told("a", firing=False))
    assert hear(book, 10 + REPLAY_S, told("a")) == 0
    assert hear(book, 11 + REPLAY_S, told("a")) == 1


def test_the_same_call_twice_at_once_is_counted_once() -> None:
    book = Book()
    heard = Heard(0.0, "g", "A", (Said("a", True, 0.0, "A", "CRIT"),))
    book.apply(heard)
    book.apply(heard)
    assert tell(book, 1) == [("t-g-1", 1, 0)]


def test_a_group_comes_back_into_its_thread_within_the_hour_and_not_later() -> None:
    book = Book()
    for at in (0.0, 100.0, 200.0 + REOPENED_S + 1):
        hear(book, at, told("a", since=at))
        (thread, fired, _) = tell(book, at)[0]
        assert (thread, fired) == ("t-g-0.0" if at <= 100 else f"t-g-{at}", 1)
        hear(book, at + 50, told("a", since=at, firing=False))
        assert tell(book, at + 50) == [(thread, 0, 1)]


def test_the_scope_is_what_all_have_in_common() -> None:
    book = Book()
    said = [Said(str(number), True, 0.0, "A", "CRIT", (("region", "emea"), ("pod", f"p-{number}")), "workloads") for number in range(3)]
    book.apply(Heard(0.0, "g", "A", tuple(said)))
    tell(book, 1)
    (thread,) = book.state.threads.values()
    assert (thread.scope, thread.view, thread.severity) == ((("region", "emea"),), "workloads", "CRIT")


def test_what_is_over_makes_room_and_what_fires_does_not() -> None:
    book = Book()
    many = [told(f"{number:x}") for number in range(MOST_ALERTS // 2)]
    hear(book, 0, *many, group="old")
    tell(book, 0)
    hear(book, 1, *(msgspec.structs.replace(each, is_firing=False) for each in many), group="old")
    assert not book.has_room(MOST_ALERTS), "its end is not told yet"
    tell(book, 1)
    hear(book, 2, *many, group="firing")
    tell(book, 2)
    assert book.has_room(MOST_ALERTS // 2) and not book.has_room(MOST_ALERTS // 2 + 1)
    hear(book, 3, *(told(f"x{number:x}") for number in range(100)), group="new")
    assert "old" not in book.state.groups and book.alerts == MOST_ALERTS // 2 + 100


def test_what_has_been_quiet_for_a_day_is_forgotten() -> None:
    book = Book()
    for number in range(50):
        hear(book, number, told("a"), group=f"g-{number}")
        hear(book, number, told("a", firing=False), group=f"g-{number}")
        tell(book, number)
    hear(book, 2 * DAY_S, told("a"), group="new")
    tell(book, 2 * DAY_S)
    assert list(book.state.groups) == ["new"] and len(book.state.threads) == 1 and book.alerts == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_records_make_the_same_book_again_from_any_state_in_between(seed: int) -> None:
    rng, book, records, middle = random.Random(seed), Book(), [], b""
    for at in map(float, range(200)):
        group = f"g-{rng.randrange(4)}"
        alerts = [told(str(rng.randrange(6)), firing=rng.random() < 0.6, since=float(rng.randrange(int(at) + 1))) for _ in range(3)]
        news = book.news(call(*{each.fingerprint: each for each in alerts}.values(), group=group), at)
        if news:
            records.append(Heard(at, group, "A", tuple(Said(each.fingerprint, each.is_firing, each.since, "A", "WARN") for each in news)))
            book.apply(records[-1])
        for thread in list(book.waiting) if rng.random() < 0.3 else ():
            records.append(Opened(at, f"t-{at}-{thread}", (thread,)))
            book.apply(records[-1])
        for name in [*book.state.threads] if rng.random() < 0.3 else []:
            for record in (Telling(at, name), Posted(at, name)):
                records.append(record)
                book.apply(record)
        if at == 100.0:
            middle, records = msgspec.json.encode(book.state), []
    again = Book(msgspec.json.decode(middle, type=State))
    for record in records:
        again.apply(record)
    assert msgspec.json.encode(again.state) == msgspec.json.encode(book.state) and again.alerts == book.alerts


Events = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.booleans(), st.integers(0, 5), st.booleans()), max_size=60)


@settings(max_examples=100, deadline=None)
@given(Events)
def test_every_news_is_told_once_and_no_more(events) -> None:
    book, heard, fired, resolved = Book(), 0, 0, 0
    for at, (group, fingerprint, firing, since, is_told) in enumerate(events):
        heard += hear(book, at, told(str(fingerprint), firing=firing, since=float(since)), group=str(group))
        if is_told:
            for _, more, less in tell(book, at):
                fired, resolved = fired + more, resolved + less
    for _, more, less in tell(book, len(events)):
        fired, resolved = fired + more, resolved + less
    assert heard <= fired + resolved <= 2 * heard, "one that came and went between two calls counts for both"
    firing = sum(each.is_firing for group in book.state.groups.values() for each in group.alerts.values())
    assert firing == sum(group.firing for group in book.state.groups.values()) == sum(each.firing for each in book.state.threads.values())
    assert not tell(book, len(events) + 1)
