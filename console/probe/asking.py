"""A question on behalf of a vantage: its headers, its signed query, its address.

Playlists and bulk (segments, keys) go through separate fetchers, because each of those has slots per door: sixty-four segments
that hang at a host must not take the slots in which its playlists are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from console.model.channel import Vantage
from console.model.instant import Clock
from console.model.observation import Outcome
from console.probe.address import PRIVATE_HEADERS, is_same_host, printable
from console.probe.fetch import Answer, Fetcher, Question
from console.probe.token import Token, TokenError, signed

if TYPE_CHECKING:
    from console.probe.dash.clock import ClockWatch, Source

TIME_TIMEOUT_S = 5.0
HELD_PER_DOOR = 2048  # reloads wait in their slots: one for every low-latency playlist of a door
TIME_LIMIT = 4096  # bytes of a time source's answer


class Asker:
    """Everything the prober asks goes through here. One per prober; closed at its end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._playlists = Fetcher(clock.now)
        self._bulk = Fetcher(clock.now)
        self._held: Fetcher | None = None  # made with the first reload
        self._tokens: dict[tuple[str, ...], Token] = {}

    @property
    def in_flight(self) -> int:
        held = self._held.in_flight if self._held is not None else 0
        return self._playlists.in_flight + self._bulk.in_flight + held

    async def playlist(self, vantage: Vantage, url: str, timeout_s: float, etag: str | None = None) -> Answer:
        """A playlist, an MPD or a master."""
        return await self._ask(self._playlists, vantage, self._question(vantage, url, timeout_s, etag=etag))

    async def reload(self, vantage: Vantage, url: str, timeout_s: float) -> Answer:
        """A playlist with delivery directives. A server may hold the answer back, so these have slots of their own."""
        if self._held is None:
            self._held = Fetcher(self._clock.now, per_door=HELD_PER_DOOR)
        return await self._ask(self._held, vantage, self._question(vantage, url, timeout_s, is_once=True))

    async def head(self, vantage: Vantage, url: str, timeout_s: float, method: str = "HEAD") -> Answer:
        """Whether a segment is there: HEAD, or GET of one byte."""
        question = self._question(vantage, url, timeout_s, method=method, is_peek=True)
        return await self._ask(self._bulk, vantage, question)

    async def body(
        self,
        vantage: Vantage,
        url: str,
        timeout_s: float,
        limit: int,
        sink: Callable[[bytes], object] | None = None,
        byte_range: str = "",
    ) -> Answer:
        """A segment, an initialisation section or a key; past `limit` bytes it is cut."""
        question = self._question(vantage, url, timeout_s, sink=sink, body_limit=limit, byte_range=byte_range)
        return await self._ask(self._bulk, vantage, question)

    async def time(self, vantage: Vantage, watch: ClockWatch, source: Source) -> None:
        """What a time source says. It is nobody's vantage: it gets no token, and elsewhere none of its headers."""
        is_own = urlsplit(source.url).netloc == urlsplit(vantage.url).netloc
        question = Question(
            url=source.url,
            trusted=vantage.url,
            connect_to=vantage.connect_to,
            headers=vantage.headers if is_own else {},
            timeout_s=TIME_TIMEOUT_S,
            method=source.method,
            is_peek=source.method == "HEAD",
            body_limit=TIME_LIMIT,
        )
        answer = await self._bulk.ask(question)
        if answer.outcome is Outcome.OK:
            watch.answered(source, answer.body, answer.date, answer.at, answer.elapsed_s - (answer.asked_s or 0.0))

    async def close(self) -> None:
        """Close every connection."""
        await self._playlists.close()
        await self._bulk.close()
        if self._held is not None:
            await self._held.close()

    def _question(self, vantage: Vantage, url: str, timeout_s: float, **more: object) -> Question:
        headers = vantage.headers
        if headers and not is_same_host(url, vantage.url):  # a playlist named it: it is not to be trusted with a credential
            headers = {key: value for key, value in headers.items() if key.lower() not in PRIVATE_HEADERS}
        return Question(
            url=url,
            trusted=vantage.url,
            connect_to=vantage.connect_to,
            headers=headers,
            timeout_s=timeout_s,
            **more,  # type: ignore[arg-type]
        )

    async def _ask(self, fetcher: Fetcher, vantage: Vantage, question: Question) -> Answer:
        token = self._token(vantage)
        if token is None:
            return await fetcher.ask(question)
        start = self._clock.now()
        try:
            query = await token.query()
        except TokenError as error:
            at = self._clock.now()
            elapsed_s = at.mono - start.mono
            return Answer(Outcome.UNREACHABLE, at, elapsed_s, question.url, detail=printable(str(error)))
        answer = await fetcher.ask(msgspec.structs.replace(question, url=signed(question.url, query)))
        if answer.status in (401, 403):
            token.refused()
        return answer

    def _token(self, vantage: Vantage) -> Token | None:
        command = vantage.token_command
        if not command:
            return None
        token = self._tokens.get(command)
        if token is None:
            token = self._tokens[command] = Token(command, lambda: self._clock.now().mono)
        return token
