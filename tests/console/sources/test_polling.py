"""One question as a source."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import timedelta

import pytest

from console.model.failure import Failure, FailureKind, SourceError
from console.model.reading import Reading
from console.model.severity import State
from console.sources.polling import Answer, PollingSource
from tests.console.sources.conftest import until
from tests.hand_clock import HandClock, settle

DOWN = Failure(kind=FailureKind.UNREACHABLE, tried="ask", on="thing", got="connection refused")


class Script:
    """Answers in order; the last one stays. Remembers when it was asked."""

    def __init__(self, clock: HandClock, *answers: object) -> None:
        self._clock = clock
        self._answers = list(answers)
        self.asked_at: list[float] = []
        self.closed = 0

    async def ask(self) -> Answer[int]:
        self.asked_at.append(self._clock.now().mono - 1000.0)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Answer):
            return answer
        if callable(answer):
            return await answer()
        return Answer(value=int(str(answer)))

    async def close(self) -> None:
        self.closed += 1


class Watching:
    """A consumer of a source in a task of its own."""

    def __init__(self, source: PollingSource[int]) -> None:
        self.readings: list[Reading[int]] = []
        self.task = asyncio.create_task(self._watch(source))

    async def _watch(self, source: PollingSource[int]) -> None:
        async for reading in source.readings():
            self.readings.append(reading)


@pytest.fixture
async def watch(clock: HandClock):
    watching: list[Watching] = []

    def start(script: Script, period_s: float = 10.0, **options: object) -> tuple[Watching, PollingSource[int]]:
        source = PollingSource(
            "thing", "test", script.ask, period_s, clock, rng=random.Random(3), close=script.close, **options
        )
        watching.append(Watching(source))
        return watching[-1], source

    yield start
    for one in watching:
        one.task.cancel()
        await asyncio.gather(one.task, return_exceptions=True)


Watch = Callable[..., tuple[Watching, PollingSource[int]]]


async def test_the_first_question_is_asked_at_once_and_then_on_a_fixed_cadence(clock: HandClock, watch: Watch) -> None:
    script = Script(clock, 1)
    watching, source = watch(script)
    await settle()
    assert script.asked_at == [0.0]
    assert watching.readings[0].state is State.LIVE
    await clock.advance(60)
    gaps = [later - earlier for earlier, later in zip(script.asked_at, script.asked_at[1:], strict=False)]
    assert 10 <= gaps[0] <= 11
    assert gaps[1:] == pytest.approx([10.0] * (len(gaps) - 1))
    assert source.stale_after_s == 30
    assert source.kind == "test"


async def test_a_slow_answer_does_not_shift_the_cadence(clock: HandClock, watch: Watch) -> None:
    async def slow() -> Answer[int]:
        await clock.sleep(4)
        return Answer(value=1)

    script = Script(clock, slow)
    watch(script)
    await clock.advance(45)
    gaps = [later - earlier for earlier, later in zip(script.asked_at, script.asked_at[1:], strict=False)]
    assert gaps[1:] == pytest.approx([10.0] * (len(gaps) - 1))


async def test_a_failure_keeps_the_value_and_backs_off(clock: HandClock, watch: Watch) -> None:
    script = Script(clock, 7, SourceError(DOWN))
    watching, source = watch(script)
    await clock.advance(120)
    first, second = watching.readings[:2]
    assert (second.value, second.state, second.error) == (7, State.ERROR, DOWN)
    assert second.received == first.received
    gaps = [later - earlier for earlier, later in zip(script.asked_at[1:], script.asked_at[2:], strict=False)]
    assert all(gap <= 30.1 for gap in gaps)
    assert all(gap >= 10 for gap in gaps[5:]), "the breaker gives rest after five failures"
    assert source.note.startswith("resting")


async def test_after_a_success_it_is_live_again(clock: HandClock, watch: Watch) -> None:
    script = Script(clock, SourceError(DOWN), SourceError(DOWN), 5)
    watching, source = watch(script)
    await clock.advance(30)
    assert [reading.state for reading in watching.readings[:3]] == [State.ERROR, State.ERROR, State.LIVE]
    assert watching.readings[0].value is None
    assert source.note == ""


async def test_a_servers_retry_after_is_honoured(clock: HandClock, watch: Watch) -> None:
    busy = Failure(kind=FailureKind.OVERLOADED, tried="ask", on="thing", got="HTTP 429", retry_after_s=40)
    script = Script(clock, SourceError(busy), 1)
    watch(script)
    await clock.advance(39)
    assert script.asked_at == [0.0]
    await clock.advance(6)
    assert len(script.asked_at) == 2


async def test_a_question_that_is_wrong_is_not_asked_more_often_than_a_right_one(
    clock: HandClock, watch: Watch
) -> None:
    wrong = Failure(kind=FailureKind.REJECTED, tried="ask", on="thing", got="HTTP 400")
    script = Script(clock, SourceError(wrong))
    watch(script, period_s=10.0)
    await clock.advance(41)
    assert len(script.asked_at) <= 5


async def test_our_own_exception_is_a_failure_with_a_reference_into_the_log(
    clock: HandClock, watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(clock, ZeroDivisionError("secret detail"), 1)
    with caplog.at_level(logging.ERROR):
        watching, _ = watch(script)
        await clock.advance(5)
    error = watching.readings[0].error
    assert error is not None
    assert error.kind is FailureKind.INTERNAL
    assert error.ref
    assert "secret detail" not in str(error)
    assert error.ref in caplog.text
    assert "Traceback" in caplog.text
    assert watching.readings[1].state is State.LIVE, "the source lives on"


async def test_age_is_reckoned_with_the_servers_own_clock_and_skew_only_told(clock: HandClock, watch: Watch) -> None:
    now = clock.now().utc
    server = now + timedelta(hours=1)
    script = Script(clock, Answer(value=1, as_of=server - timedelta(seconds=7), server_date=server))
    watching, _ = watch(script)
    await settle()
    reading = watching.readings[0]
    assert reading.server_age_s == 7
    assert reading.skew_s == 3600
    assert reading.skewed
    await clock.advance(3)
    assert reading.age_s(clock.now()) == 10


async def test_warnings_and_reasons_make_a_reading_partial(clock: HandClock, watch: Watch) -> None:
    script = Script(clock, Answer(value=1, warnings=("store\x1b[2J down",)), Answer(value=2, partial_reason="2 of 3"))
    watching, _ = watch(script)
    await clock.advance(12)
    assert [reading.state for reading in watching.readings] == [State.PARTIAL, State.PARTIAL]
    assert [reading.partial_reason for reading in watching.readings] == ["store down", "2 of 3"]


async def test_cancellation_ends_the_question_and_releases_what_it_opened(clock: HandClock, watch: Watch) -> None:
    cancelled = asyncio.Event()

    async def hang() -> Answer[int]:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        raise AssertionError

    script = Script(clock, hang)
    watching, _ = watch(script)
    await settle()
    watching.task.cancel()
    await asyncio.gather(watching.task, return_exceptions=True)
    assert cancelled.is_set()
    await settle()
    assert script.closed == 1


async def test_a_question_that_forgot_its_timeout_is_ended(clock: HandClock, watch: Watch) -> None:
    async def hang() -> Answer[int]:
        await asyncio.Event().wait()
        raise AssertionError

    script = Script(clock, hang)
    watching, _ = watch(script, limit_s=0.05)
    await until(lambda: bool(watching.readings))
    error = watching.readings[0].error
    assert error is not None
    assert error.kind is FailureKind.TIMEOUT


async def test_a_consumer_that_does_not_look_is_not_asked_for(clock: HandClock) -> None:
    script = Script(clock, 1)
    readings = PollingSource("thing", "test", script.ask, 1.0, clock).readings()
    await anext(readings)
    await clock.advance(100)
    assert len(script.asked_at) == 1
    await readings.aclose()
