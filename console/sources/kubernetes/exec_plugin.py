"""Exec credential plugins (`aws eks get-token`, gke-gcloud-auth-plugin, kubelogin), run where no terminal is.

Ours instead of the kubernetes package's, for what was found there (37.0.2, aio/config/exec_provider.py and
kube_config.py): it leaves stdin inherited and tells the plugin `interactive` when our stdout is a terminal,
so that a plugin would read the user's keys and draw over the screen; it does not pass `provideClusterInfo`;
it has no timeout; the loader logs a failing plugin and then asks the server anonymously, which ends in a 403
that blames the wrong thing; certificates are left in temporary files until exit and their expiry is ignored;
and a token without expirationTimestamp is never renewed, 401 or not.

Here: stdin is /dev/null, the plugin has a session of its own (so that /dev/tty cannot be opened either),
stderr is captured for the error, output and time are bounded, and the credential lasts until shortly before
its expiry or the next 401.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec

from console.config.secrets import reaped
from console.model.failure import SourceError
from console.model.instant import Clock
from console.sources.kubernetes.credentials import ClientCertificate, bearer, unreadable
from console.sources.sanitise import clean

TIMEOUT_S = 30.0
OUTPUT_LIMIT = 1024 * 1024
RENEW_BEFORE_S = 60.0  # of expiry; at most half of what was left when it was minted


class ExecSpec(msgspec.Struct, frozen=True):
    """The `exec` section of a kubeconfig's user."""

    command: str  # a path with a slash in it is already made absolute
    api_version: str
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = {}
    interactive_mode: str = "IfAvailable"
    install_hint: str = ""
    cluster: Mapping[str, object] | None = None  # spec.cluster, when provideClusterInfo is set


class _Status(msgspec.Struct, rename="camel"):
    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None


class _Credential(msgspec.Struct, rename="camel"):
    api_version: str
    kind: str
    status: _Status


class ExecPlugin:
    """`Credentials` that a plugin mints; at most one run at a time, however many ask."""

    def __init__(self, spec: ExecSpec, on: str, clock: Clock, timeout_s: float = TIMEOUT_S) -> None:
        self._spec = spec
        self._on = on
        self._clock = clock
        self._timeout_s = timeout_s
        self._running = asyncio.Lock()
        self._status: _Status | None = None
        self._good_until: datetime | None = None

    @property
    def certificate(self) -> ClientCertificate | None:
        status = self._status
        if status is None or not status.client_certificate_data or not status.client_key_data:
            return None
        return ClientCertificate(status.client_certificate_data, status.client_key_data)

    async def authorization(self) -> str | None:
        async with self._running:
            if self._status is None or (self._good_until is not None and self._clock.now().utc >= self._good_until):
                self._status = None
                self._keep(await self._mint())
            token = self._status.token if self._status is not None else None
            return bearer(token, self._on) if token else None

    def forget(self, refused: str | None) -> None:
        token = self._status.token if self._status is not None else None
        if not token or refused == bearer(token, self._on):
            self._status = None

    def _keep(self, status: _Status) -> None:
        now = self._clock.now().utc
        self._status = status
        self._good_until = None
        if status.expiration_timestamp is not None:
            expiry = status.expiration_timestamp
            expiry = expiry.replace(tzinfo=UTC) if expiry.tzinfo is None else expiry
            left_s = (expiry - now).total_seconds()
            self._good_until = now + timedelta(seconds=left_s - min(RENEW_BEFORE_S, max(0.0, left_s / 2)))

    async def _mint(self) -> _Status:
        spec = self._spec
        if spec.interactive_mode == "Always":
            raise self._error("it asks for a terminal (interactiveMode Always)", f"run {spec.command} yourself")
        try:
            process = await asyncio.create_subprocess_exec(
                spec.command,
                *spec.args,
                env={**os.environ, **spec.env, "KUBERNETES_EXEC_INFO": self._info()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            got = getattr(error, "strerror", None) or type(error).__name__
            raise self._error(got, spec.install_hint or "is it installed and on PATH?") from None
        out, err = await self._output(process)
        if process.returncode != 0:
            words = clean(err.decode("utf-8", "replace").strip(), 300) or "no words on stderr"
            raise self._error(f"exit {process.returncode}: {words}", "run kubectl once in a terminal, then try again")
        return self._understood(out)

    async def _output(self, process: asyncio.subprocess.Process) -> tuple[bytes, bytes]:
        assert process.stdout is not None and process.stderr is not None
        try:
            async with asyncio.timeout(self._timeout_s):
                out, err = await asyncio.gather(_bounded(process.stdout), _bounded(process.stderr))
                await process.wait()
        except TimeoutError:
            raise self._error(f"no answer within {self._timeout_s:.0f} s", "does it wait for a browser?") from None
        finally:
            if process.returncode is None:
                _kill(process.pid)
                await reaped(process)
        if len(out) > OUTPUT_LIMIT:
            raise self._error(f"more than {OUTPUT_LIMIT} bytes of output", "is it a credential plugin?")
        return out, err

    def _understood(self, out: bytes) -> _Status:
        hint = "is it a credential plugin of this version?"
        try:
            credential = msgspec.json.decode(out, type=_Credential)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            # The library's text names the field and never the value; the output itself may be half a token.
            raise self._error(f"its output is no ExecCredential: {clean(str(error), 200)}", hint) from None
        status = credential.status
        if credential.api_version != self._spec.api_version:
            raise self._error(f"it speaks {clean(credential.api_version, 80)}, not {self._spec.api_version}", hint)
        if not status.token and not (status.client_certificate_data and status.client_key_data):
            raise self._error("neither a token nor a certificate with its key", hint)
        return status

    def _info(self) -> str:
        info: dict[str, object] = {"interactive": False}
        if self._spec.cluster is not None:
            info["cluster"] = dict(self._spec.cluster)
        document = {"apiVersion": self._spec.api_version, "kind": "ExecCredential", "spec": info}
        return msgspec.json.encode(document).decode()

    def _error(self, got: str, hint: str) -> SourceError:
        return unreadable(self._on, f"plugin {self._spec.command}: {got}", hint)


async def _bounded(stream: asyncio.StreamReader) -> bytes:
    """All of it is read, so that the plugin can end; one byte more than the limit is kept, to tell."""
    kept = bytearray()
    while chunk := await stream.read(65536):
        kept += chunk[: max(0, OUTPUT_LIMIT + 1 - len(kept))]
    return bytes(kept)


def _kill(pid: int) -> None:
    """The plugin's whole session: it may have started a browser helper."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
