"""httpx led by the hand: every way a backend can misbehave is a failure with a reason, in bounded memory."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Mapping

import msgspec
import pytest

from console.model.failure import Failure, FailureKind, SourceError
from console.sources.access import USER_AGENT, Access, place
from console.sources.http import HttpBackend
from console.sources.meter import Meter
from tests.console.sources.conftest import HUGE, Faults, Serve, body, bomb, cut_off, page, until

ANY = msgspec.json.Decoder(dict[str, int])


async def ask(access: Access, meter: Meter, max_bytes: int = 8_000_000) -> dict[str, int]:
    backend = HttpBackend(access, "thing", meter)
    try:
        return (await backend.get("/x", ANY, "read x", max_bytes=max_bytes)).value
    finally:
        await backend.close()


async def failure_of(url: str, meter: Meter, timeout_s: float = 5.0, max_bytes: int = 8_000_000) -> Failure:
    with pytest.raises(SourceError) as raised:
        await ask(Access(urls=(url,), timeout_s=timeout_s), meter, max_bytes)
    return raised.value.failure


async def test_a_good_answer_is_decoded_and_counted(serve: Serve, meter: Meter) -> None:
    faults = Faults(body('{"a": 1}'))
    url = await serve(faults)
    assert await ask(Access(urls=(url,), headers={"X-Team": "video"}), meter) == {"a": 1}
    headers = faults.requests[0].headers
    assert headers["User-Agent"] == USER_AGENT
    assert headers["X-Team"] == "video"
    assert (meter.cost.requests, meter.cost.bytes_in, meter.cost.errors) == (1, 8, 0)


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (page(), FailureKind.BAD_ANSWER, "HTML page"),
        (page(502), FailureKind.UNREACHABLE, "HTTP 502 with an HTML page"),
        (body('{"a": 1'), FailureKind.BAD_ANSWER, "truncated"),
        (body('{"a": "x"}'), FailureKind.BAD_ANSWER, "Expected `int`"),
        (body(b"\xff\xfe\x00"), FailureKind.BAD_ANSWER, "cannot be read"),
        (body(""), FailureKind.BAD_ANSWER, "truncated"),
        (cut_off(b'{"a": 1}'), FailureKind.BAD_ANSWER, "broken off"),
        (body("x", Content_Encoding="br"), FailureKind.BAD_ANSWER, "not offered"),
        (body("no gzip", Content_Encoding="gzip"), FailureKind.BAD_ANSWER, "gzip"),
        (body('"no"', 401), FailureKind.UNAUTHORIZED, "HTTP 401"),
        (body("{}", 403), FailureKind.UNAUTHORIZED, "HTTP 403"),
        (body("{}", 404), FailureKind.NOT_FOUND, "HTTP 404"),
        (body('"bad \x1b[2J matcher"', 400), FailureKind.REJECTED, "bad  matcher"),
        (body("{}", 302, Location="http://127.0.0.2/"), FailureKind.REJECTED, "HTTP 302"),
        (body("{}", 503), FailureKind.OVERLOADED, "HTTP 503"),
        (body("{}", 500), FailureKind.BAD_ANSWER, "HTTP 500"),
    ],
)
async def test_what_is_no_answer_is_a_failure_with_a_reason(
    serve: Serve, meter: Meter, answer: object, kind: FailureKind, says: str
) -> None:
    failure = await failure_of(await serve(answer), meter)
    assert failure.kind is kind
    assert says in str(failure)
    assert failure.tried == "read x"
    assert meter.cost.errors == 1


async def test_429_tells_how_long_to_wait(serve: Serve, meter: Meter) -> None:
    failure = await failure_of(await serve(body("{}", 429, Retry_After="17")), meter)
    assert (failure.kind, failure.retry_after_s) == (FailureKind.OVERLOADED, 17.0)


async def test_retry_after_may_be_a_date(serve: Serve, meter: Meter) -> None:
    dated = body("{}", 503, Date="Sun, 22 Nov 2026 02:00:00 GMT", Retry_After="Sun, 22 Nov 2026 02:00:30 GMT")
    assert (await failure_of(await serve(dated), meter)).retry_after_s == 30.0


async def test_of_200_megabytes_only_the_cap_is_read(serve: Serve, meter: Meter) -> None:
    faults = Faults()
    url = await serve(faults.huge)
    await ask_warm(serve, meter)
    tracemalloc.start()
    failure = await failure_of(url, meter, max_bytes=2_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert failure.kind is FailureKind.TOO_LARGE
    assert "2 MB" in failure.got
    assert peak < 20_000_000
    assert faults.sent < HUGE / 10


async def ask_warm(serve: Serve, meter: Meter) -> None:
    """httpx's own import is not the body's memory."""
    await ask(Access(urls=(await serve(body("{}")),)), meter)


async def test_a_compressed_bomb_is_not_inflated_past_the_cap(serve: Serve, meter: Meter) -> None:
    url = await serve(bomb())
    await ask_warm(serve, meter)
    tracemalloc.start()
    failure = await failure_of(url, meter, max_bytes=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert failure.kind is FailureKind.TOO_LARGE
    assert peak < 10_000_000


@pytest.mark.parametrize("fault", ["hang", "drip"])
async def test_a_server_that_hangs_or_drips_is_given_up(serve: Serve, meter: Meter, fault: str) -> None:
    faults = Faults()
    failure = await failure_of(await serve(getattr(faults, fault)), meter, timeout_s=0.2)
    assert failure.kind is FailureKind.TIMEOUT


async def test_nobody_listening_is_unreachable(refused_url: str, meter: Meter) -> None:
    failure = await failure_of(refused_url, meter)
    assert (failure.kind, failure.got) == (FailureKind.UNREACHABLE, "connection refused")
    assert failure.on == place("thing", refused_url)


async def test_a_name_that_does_not_exist_is_unreachable(meter: Meter) -> None:
    failure = await failure_of("http://nowhere.invalid:1", meter)
    assert failure.kind is FailureKind.UNREACHABLE


async def test_a_missing_ca_file_is_told_before_anything_is_sent(serve: Serve, meter: Meter) -> None:
    faults = Faults(body("{}"))
    url = await serve(faults)
    with pytest.raises(SourceError) as raised:
        await ask(Access(urls=(url,), ca_file="/nonexistent/ca.pem"), meter)
    assert "ca_file" in raised.value.failure.hint
    assert not faults.requests


class Rotating:
    """A credential that changes each time it is resolved."""

    def __init__(self) -> None:
        self.resolved = 0

    async def __call__(self) -> Mapping[str, str]:
        self.resolved += 1
        return {"Authorization": f"Bearer {self.resolved}"}


async def test_a_credential_is_resolved_when_needed_and_again_after_a_401(serve: Serve, meter: Meter) -> None:
    faults = Faults(body("{}", 401), body("{}"), body("{}"))
    rotating = Rotating()
    backend = HttpBackend(Access(urls=(await serve(faults),), authorize=rotating), "thing", meter)
    assert rotating.resolved == 0
    await backend.get("/x", ANY, "read x")
    await backend.get("/x", ANY, "read x")
    await backend.close()
    assert [request.headers["Authorization"] for request in faults.requests] == ["Bearer 1", "Bearer 2", "Bearer 2"]


async def test_a_credential_that_stays_wrong_is_tried_twice_not_for_ever(serve: Serve, meter: Meter) -> None:
    faults = Faults(body("{}", 401))
    with pytest.raises(SourceError):
        await ask(Access(urls=(await serve(faults),), authorize=Rotating()), meter)
    assert len(faults.requests) == 2


async def test_a_credential_that_cannot_be_read_is_told_without_its_content(serve: Serve, meter: Meter) -> None:
    async def unreadable() -> Mapping[str, str]:
        raise FileNotFoundError(2, "No such file", "/run/secrets/prom")

    with pytest.raises(SourceError) as raised:
        await ask(Access(urls=(await serve(body("{}")),), authorize=unreadable), meter)
    assert raised.value.failure.kind is FailureKind.UNAUTHORIZED
    assert "/run/secrets/prom" in raised.value.failure.got


async def test_cancelling_a_question_leaves_nothing_open(serve: Serve, meter: Meter) -> None:
    faults = Faults()
    backend = HttpBackend(Access(urls=(await serve(faults.hang),)), "thing", meter)
    task = asyncio.create_task(backend.get("/x", ANY, "read x"))
    await until(lambda: faults.hanging == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await backend.close()
    await until(lambda: faults.hanging == 0)
    assert task.cancelled()


def test_a_place_never_shows_a_password() -> None:
    assert place("thing", "https://me:secret@host:1/x/?token=1#y") == "thing https://host:1/x"
