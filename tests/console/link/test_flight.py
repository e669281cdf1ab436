"""One frame in flight, the newest picture next."""

from __future__ import annotations

from console.link import Flight


def test_what_is_offered_while_a_frame_is_in_flight_waits_and_the_newest_wins() -> None:
    flight = Flight()
    assert flight.offered()
    flight.departed(100, 1.0)
    assert [flight.offered() for _ in range(3)] == [False, False, False]
    assert flight.landed()
    flight.departed(20, 2.0)
    assert not flight.landed()
    assert (flight.frames, flight.bytes, flight.merged) == (2, 120, 2)


def test_nothing_to_say_is_no_flight() -> None:
    flight = Flight()
    assert flight.offered()
    flight.departed(0, 1.0)
    assert not flight.in_flight
    assert flight.frames == 0
    assert flight.offered()


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    flight = Flight()
    for tenth in range(600):
        flight.departed(50, tenth / 10)
        flight.landed()
    assert 490 <= flight.bytes_per_second(59.95) <= 510
    assert flight.bytes_per_second(64.9) < 300
    assert flight.bytes_per_second(75.0) == 0
