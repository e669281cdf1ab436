"""One prober process and its socket, from start to a clean end."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import Any

import msgspec

import console
from console.model.observation import ProbeBatch
from console.model.orders import FRAME_HEAD, ProbeOrders, frame_length, framed
from console.sources.sanitise import clean

log = logging.getLogger("midwatch.prober")
_ROOT = str(Path(console.__file__).resolve().parent.parent)  # where `console` is imported from
CONNECT_TIMEOUT_S = 30.0  # a cold interpreter on a busy machine
TERM_PATIENCE_S = 2.0
_STDERR_LINE = 8192


class ProberGone(Exception):
    """The prober ended or could not be started; the text says how."""


class ProberProcess:
    """Use as an async context manager: on leaving there is no process, no socket and no directory."""

    def __init__(self, orders: ProbeOrders) -> None:
        self._orders = orders
        self._directory: Path | None = None
        self._server: asyncio.Server | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._stderr: asyncio.Task[None] | None = None
        self._last_words: deque[str] = deque(maxlen=3)
        self._decoder = msgspec.msgpack.Decoder(ProbeBatch)

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None else None

    async def __aenter__(self) -> ProberProcess:
        try:
            await self._start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _start(self) -> None:
        connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
        connected = asyncio.get_running_loop().create_future()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if connected.done():
                writer.close()
            else:
                connected.set_result((reader, writer))

        self._directory = Path(tempfile.mkdtemp(prefix="midwatch-probe-"))  # mkdtemp makes it 0700
        path = self._directory / "socket"
        self._server = await asyncio.start_unix_server(accept, path)
        inherited = os.environ.get("PYTHONPATH")
        environ = {**os.environ, "PYTHONPATH": f"{_ROOT}{os.pathsep}{inherited}" if inherited else _ROOT}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # never from the working directory: it may hold a foreign `console`
            "-m",
            "console.probe",
            str(path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env=environ,
        )
        self._stderr = asyncio.create_task(self._log_stderr(self._process))
        ended = asyncio.create_task(self._process.wait())
        try:
            both: set[asyncio.Future[Any]] = {connected, ended}
            await asyncio.wait(both, timeout=CONNECT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
        if not connected.done():
            raise ProberGone(await self._how())
        self._reader, self._writer = connected.result()
        self._server.close()  # one prober, one connection
        await self.tell(self._orders)

    async def tell(self, orders: ProbeOrders) -> None:
        """New orders for the running prober. Raises ProberGone."""
        self._orders = orders
        if self._writer is None:
            raise ProberGone("the prober is not connected")
        try:
            self._writer.write(framed(msgspec.msgpack.encode(orders)))
            await self._writer.drain()
        except ConnectionError as error:
            raise ProberGone(await self._how()) from error

    async def hear(self) -> ProbeBatch:
        """The next frame. Raises ProberGone when there will be none."""
        assert self._reader is not None
        try:
            head = await self._reader.readexactly(FRAME_HEAD)
            return self._decoder.decode(await self._reader.readexactly(frame_length(head)))
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise ProberGone(await self._how()) from error
        except (ValueError, msgspec.MsgspecError) as error:
            raise ProberGone(f"the prober sent what cannot be read: {clean(str(error), 200)}") from error

    async def close(self) -> None:
        """End the process (SIGTERM, then SIGKILL) and remove what was made for it."""
        if self._writer is not None:
            self._writer.close()
        if self._server is not None:
            self._server.close()
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(TERM_PATIENCE_S):
                    await process.wait()
            except TimeoutError:
                log.warning(
                    "the prober (pid %d) did not end within %g s and was killed", process.pid, TERM_PATIENCE_S
                )
            finally:
                if process.returncode is None:
                    process.kill()  # ends a stopped process, too
                    await asyncio.shield(process.wait())
        if self._stderr is not None:
            self._stderr.cancel()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    async def _how(self) -> str:
        """How it ended, with its last words."""
        assert self._process is not None
        try:
            async with asyncio.timeout(1.0):
                code = await self._process.wait()
        except TimeoutError:
            return (
                "the prober closed its socket" if self._reader is not None else "the prober did not connect"
            )
        how = f"the prober was ended by signal {-code}" if code < 0 else f"the prober ended with {code}"
        return f"{how}: {self._last_words[-1]}" if self._last_words else how

    async def _log_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        rest = b""
        while chunk := await process.stderr.read(_STDERR_LINE):
            *lines, rest = (rest + chunk).split(b"\n")
            if len(rest) > _STDERR_LINE:
                lines, rest = [*lines, rest], b""
            for line in lines:
                text = clean(line.decode("utf-8", "replace"), 500)
                if text.strip():
                    self._last_words.append(text[:200])
                    log.warning("prober %d: %s", process.pid, text)
