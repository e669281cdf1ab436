"""The synchronous library, led: bounded, timed, cached, and with its warnings kept."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import msgspec
import pytest

from console.demo.prometheus import server
from console.demo.world.world import World
from console.model.failure import Failure, FailureKind, SourceError
from console.sources.access import USER_AGENT, Access
from console.sources.meter import Meter
from console.sources.prometheus import questions
from console.sources.prometheus.client import PrometheusClient
from tests.console.sources.conftest import HUGE, Faults, Serve, body, bomb, cut_off, page, until
from tests.hand_clock import HandClock

Open = Callable[..., PrometheusClient]


@pytest.fixture
async def connect(clock: HandClock, meter: Meter) -> AsyncIterator[Open]:
    opened: list[PrometheusClient] = []

    def start(url: str, timeout_s: float = 5.0, workers: int = 3, **more: object) -> PrometheusClient:
        opened.append(PrometheusClient(Access(urls=(url,), timeout_s=timeout_s, **more), clock, meter, workers))
        return opened[-1]

    yield start
    for client in opened:
        await client.close()


def vector(*values: float, **more: object) -> bytes:
    result = [{"metric": {"n": str(place)}, "value": [1.5, str(value)]} for place, value in enumerate(values)]
    return msgspec.json.encode({"status": "success", "data": {"resultType": "vector", "result": result}, **more})


async def failure_of(asking: Awaitable[object]) -> Failure:
    with pytest.raises(SourceError) as raised:
        await asking
    return raised.value.failure


async def test_the_embedded_server_answers(
    serve: Serve, connect: Open, world_now: Callable[[], datetime], meter: Meter
) -> None:
    world = World(7, "calm", world_now() - timedelta(minutes=20))
    client = connect(await serve(server.app(world, world_now)))
    answered = await client.query("sum by (channel) (channel_viewers)")
    assert len(answered.series) == 12
    assert all(series.value > 0 for series in answered.series)
    line = await client.query_range("sum(channel_viewers)", 900.0, 30)
    assert len(line.series[0].points) == 30
    scalar = await client.query("42")
    assert [series.value for series in scalar.series] == [42.0]
    told = await questions.targets(client)
    assert told.total is not None and told.total >= (told.up or 0) > 0
    assert (await questions.build(client)).version
    assert meter.cost.requests == 6
    assert meter.cost.bytes_in > 0


async def test_every_question_carries_a_timeout_an_aligned_time_and_who_asks(
    serve: Serve, connect: Open, clock: HandClock
) -> None:
    faults = Faults(body(vector(1)))
    client = connect(await serve(faults), timeout_s=4.0)
    await client.query("up")
    request = faults.requests[0]
    assert request.query["timeout"] == "4s"
    assert float(request.query["time"]) == clock.now().utc.timestamp() // 5 * 5
    assert request.headers["User-Agent"] == USER_AGENT


async def test_the_same_question_at_the_same_step_is_asked_once(serve: Serve, connect: Open, clock: HandClock) -> None:
    faults = Faults(body(vector(1)))
    client = connect(await serve(faults))
    await asyncio.gather(*(client.query("up") for _ in range(20)))
    await client.query("up")
    assert len(faults.requests) == 1
    await clock.advance(5)
    await client.query("up")
    assert len(faults.requests) == 2


async def test_a_failure_is_not_kept(serve: Serve, connect: Open) -> None:
    faults = Faults(body("{}", 503), body(vector(1)))
    client = connect(await serve(faults))
    await failure_of(client.query("up"))
    assert (await client.query("up")).series[0].value == 1


async def test_the_warnings_which_the_library_drops_are_kept(serve: Serve, connect: Open) -> None:
    client = connect(await serve(body(vector(1, warnings=["store emea\x1b[2J did not answer"]))))
    assert (await client.query("up")).warnings == ("store emea did not answer",)


async def test_a_wrong_clock_of_ours_does_not_ask_about_another_hour(
    serve: Serve, connect: Open, clock: HandClock
) -> None:
    faults = Faults(body(vector(1), Date="Sun, 22 Nov 2026 05:00:00 GMT"))
    client = connect(await serve(faults))
    await client.query("up")
    await clock.advance(5)
    await client.query("up")
    assert (
        abs(float(faults.requests[1].query["time"]) - datetime.fromisoformat("2026-11-22T05:00:05Z").timestamp()) <= 5
    )


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (page(), FailureKind.BAD_ANSWER, "HTML page"),
        (page(502), FailureKind.UNREACHABLE, "HTTP 502 with an HTML page"),
        (body('{"status": "success", "data"'), FailureKind.BAD_ANSWER, "truncated"),
        (body('{"status": "success"}'), FailureKind.BAD_ANSWER, "cannot be read"),
        (body("[1]"), FailureKind.BAD_ANSWER, "cannot be read"),
        (cut_off(vector(1)), FailureKind.BAD_ANSWER, "broke off"),
        (
            body('{"status":"error","errorType":"bad_data","error":"parse error"}', 400),
            FailureKind.REJECTED,
            "parse error",
        ),
        (body('{"status":"error","errorType":"timeout","error":"too long"}', 503), FailureKind.TIMEOUT, "too long"),
        (body("no", 401), FailureKind.UNAUTHORIZED, "HTTP 401"),
        (body("{}", 404), FailureKind.NOT_FOUND, "HTTP 404"),
        (
            body('{"status":"success","data":{"resultType":"string","result":[1,"x"]}}'),
            FailureKind.BAD_ANSWER,
            "type 'string'",
        ),
        (bomb(), FailureKind.TOO_LARGE, "more than 8 MB"),
    ],
)
async def test_what_is_no_answer_is_a_failure_with_a_reason(
    serve: Serve, connect: Open, meter: Meter, answer: object, kind: FailureKind, says: str
) -> None:
    failure = await failure_of(connect(await serve(answer)).query("up"))
    assert failure.kind is kind
    assert says in str(failure)
    assert "'up'" in failure.tried
    assert meter.cost.errors == 1


async def test_429_tells_how_long_to_wait(serve: Serve, connect: Open) -> None:
    failure = await failure_of(connect(await serve(body("{}", 429, Retry_After="9"))).query("up"))
    assert (failure.kind, failure.retry_after_s) == (FailureKind.OVERLOADED, 9.0)


async def test_nothing_is_retried_behind_our_back(serve: Serve, connect: Open) -> None:
    faults = Faults(body("{}", 503))
    await failure_of(connect(await serve(faults)).query("up"))
    assert len(faults.requests) == 1


async def test_nobody_listening_is_unreachable(connect: Open, refused_url: str) -> None:
    failure = await failure_of(connect(refused_url).query("up"))
    assert (failure.kind, failure.got) == (FailureKind.UNREACHABLE, "connection refused")


async def test_of_200_megabytes_only_the_cap_is_read(serve: Serve, connect: Open) -> None:
    await connect(await serve(body(vector(1)))).query("up")
    faults = Faults()
    client = connect(await serve(faults.huge))
    tracemalloc.start()
    failure = await failure_of(client.query("up"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert failure.kind is FailureKind.TOO_LARGE
    assert peak < 40_000_000
    assert faults.sent < HUGE / 4


async def test_more_points_than_a_screen_shows_are_refused_with_their_count(serve: Serve, connect: Open) -> None:
    client = connect(await serve(body(vector(*range(50_001)))))
    failure = await failure_of(client.query("up"))
    assert (failure.kind, failure.got) == (FailureKind.TOO_LARGE, "an answer of 50,001 points")


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_a_server_that_hangs_or_drips_is_given_up(serve: Serve, connect: Open, fault: str) -> None:
    faults = Faults()
    client = connect(await serve(getattr(faults, fault)), timeout_s=0.2)
    assert (await failure_of(client.query("up"))).kind is FailureKind.TIMEOUT


async def test_when_every_worker_is_stuck_nothing_more_is_submitted(serve: Serve, connect: Open) -> None:
    """The threads hang on the socket while their askers are long gone."""
    faults = Faults()
    client = connect(await serve(faults.hang), timeout_s=1.0, workers=2)
    askers = [asyncio.create_task(client.query(f"up + {number}")) for number in range(2)]
    await until(lambda: faults.hanging == 2)
    for asker in askers:
        asker.cancel()
    await asyncio.gather(*askers, return_exceptions=True)
    client._pool._busy = {future: since - 100 for future, since in client._pool._busy.items()}
    failures = await asyncio.gather(*(failure_of(client.query(f"late + {number}")) for number in range(50)))
    assert {failure.kind for failure in failures} == {FailureKind.OVERLOADED}
    assert faults.hanging == 2


async def test_a_credential_is_resolved_again_after_a_401(serve: Serve, connect: Open) -> None:
    faults = Faults(body("{}", 401), body(vector(1)))
    resolved: list[int] = []

    async def authorize() -> Mapping[str, str]:
        resolved.append(1)
        return {"Authorization": f"Bearer {len(resolved)}"}

    await connect(await serve(faults), authorize=authorize).query("up")
    assert [request.headers["Authorization"] for request in faults.requests] == ["Bearer 1", "Bearer 2"]


async def test_a_closed_client_can_be_used_again(serve: Serve, connect: Open, clock: HandClock) -> None:
    client = connect(await serve(body(vector(1))))
    await client.query("up")
    await client.close()
    assert (await client.query("up")).series[0].value == 1
