"""From configuration to an authenticated raw connection to one API server.

The kubernetes package gives the kubeconfig (`kubeconfig`), the TLS context and the aiohttp pool
(`RESTClientObject`); bytes are read raw from that pool and decoded by us. What was found in it (37.0.2, read
in source), and what is done about it:
- importing `kubernetes.aio` builds every API and model module: 0.8 s of CPU. It is imported in a thread on
  first use, and not at all for a plain URL, where the same aiohttp pool is made without it.
- `RESTClientObject.request` puts `timeout or 5 * 60` on a request as a *total*, which would end every watch,
  so requests go to its pool directly; the server name for SNI and the proxy must then be passed along, as it
  does.
- its pool keeps cookies and follows redirects with our headers: a cookie jar that holds nothing is passed,
  and redirects are refused, because a token must not travel to another host.
- `refresh_api_key_hook` serves only in-cluster tokens and is never called on a 401: credentials are ours
  (`credentials`). Retries are not the pool's business either: the reflector knows what may be asked again,
  and when.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import msgspec

import console
from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock
from console.sources.kubernetes.answer import PAGE_BYTES, Answer, Body, Where, unreachable
from console.sources.kubernetes.credentials import ClientCertificate, Credentials, Given, TokenFile
from console.sources.kubernetes.kinds import REGION_LABEL, SERVICE_LABELS
from console.sources.loading import load

if TYPE_CHECKING:
    import aiohttp

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
KINDS = 4  # watched at once, each in every configured namespace
SPARE_CONNECTIONS = 8  # lists and questions beside the watches


class KubeTarget(msgspec.Struct, frozen=True, kw_only=True, repr_omit_defaults=True):
    """One cluster, as configured: `url`, or a kubeconfig (None: $KUBECONFIG, ~/.kube/config, or the pod's own
    account).
    """

    cluster: str
    url: str | None = None
    kubeconfig: str | None = None
    context: str | None = None
    namespaces: tuple[str, ...] = ()  # empty: all
    headers: Mapping[str, str] = {}
    ca_file: str | None = None
    client_cert: str | None = None  # PEM file; may hold the key too
    client_key: str | None = None
    tls_server_name: str | None = None
    is_insecure: bool = False  # do not verify TLS; only ever by explicit configuration
    may_write: bool = False  # only `actions/targets` ever says so; without it nothing but questions goes out
    proxy: str | None = None  # None: HTTPS_PROXY and NO_PROXY of the environment
    timeout_s: float = 10.0  # to connect, and for the first byte of an answer
    authorization: Callable[[], Awaitable[str | None]] | None = None  # the whole header's value
    region_label: str = REGION_LABEL
    service_labels: tuple[str, ...] = SERVICE_LABELS  # the first that an object carries names its service

    @property
    def connections(self) -> int:
        """The most at once: a watch holds one for minutes, and a question must not wait for its end."""
        return KINDS * max(1, len(self.namespaces)) + SPARE_CONNECTIONS

    def __repr__(self) -> str:
        return f"KubeTarget({self.cluster!r})"  # headers and a URL may hold secrets


class Lost(SourceError):
    """No answer, and bytes may have gone out: a reader asks again, a writer has to look what came of it."""


class Writing(msgspec.Struct, frozen=True):
    """A request with a body. aiohttp sends a PUT or DELETE again by itself when a kept connection turns out closed, and
    whoever must know how often it was sent takes PATCH or POST. `acts_as` stands in the place of whomever the credential
    itself would act for: a group of another's impersonation must never ride along.
    """

    method: str
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}
    acts_as: tuple[tuple[str, str], ...] = ()  # Impersonate-User, and Impersonate-Group as often as there are groups


class Connection:
    """A pool to one API server, opened when first needed and closed when its last user leaves.

    Several sources of one cluster share one connection (`async with connection`), so that a credential plugin
    runs once for all of them. It may be entered again after it was closed.
    """

    def __init__(self, target: KubeTarget, clock: Clock) -> None:
        self.target = target
        self._clock = clock
        self._users = 0
        self._opening = asyncio.Lock()
        self._turn = asyncio.Lock()  # of one large body at a time
        self._pool: _Pool | None = None

    @property
    def on(self) -> str:
        """For errors: "kubernetes apac-1"."""
        return f"kubernetes {self.target.cluster}"

    @property
    def is_open(self) -> bool:
        return self._pool is not None

    async def __aenter__(self) -> Connection:
        self._users += 1
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._users -= 1
        if self._users == 0 and self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.session.close()

    @asynccontextmanager
    async def ask(
        self,
        path: str,
        tried: str,
        params: Mapping[str, str] | None = None,
        *,
        post: bytes | None = None,
        accept: str = "application/json",
        silence_s: float | None = None,
        write: Writing | None = None,
    ) -> AsyncIterator[Answer]:
        """One request; the answer's head within `timeout_s`, then at most `silence_s` (default: the same)
        between bytes. `post` asks a question that has a body, `write` changes something.

        Any status is an answer. A 401 makes the credential be fetched anew and the question be asked once
        more. Raises SourceError for what is no answer.
        """
        where = Where(tried, self.on)
        if write is None and post is not None:
            if not path.endswith("accessreviews"):
                raise RuntimeError(f"{path} is no question: a POST that changes something is a write")
            write = Writing("POST", post)
        elif write is not None and not self.target.may_write:
            raise RuntimeError(f"a connection for reading was asked to {write.method} {path}")
        response = None
        try:
            response, forget = await self._send(path, params, write, accept, silence_s, where)
            if response.status == 401:
                response.close()
                forget()
                response, _ = await self._send(path, params, write, accept, silence_s, where)
            yield Answer(response, where)
        finally:
            if response is not None:
                response.close()

    async def read(
        self,
        path: str,
        tried: str,
        params: Mapping[str, str] | None = None,
        *,
        post: bytes | None = None,
        accept: str = "application/json",
        limit: int = PAGE_BYTES,
        write: Writing | None = None,
    ) -> Body:
        """One request, its whole body. Raises SourceError as `ask` does; TOO_LARGE past `limit` bytes."""
        async with self.ask(path, tried, params, post=post, accept=accept, write=write) as answer:
            return await answer.body(limit, self._turn)

    async def _send(
        self,
        path: str,
        params: Mapping[str, str] | None,
        write: Writing | None,
        accept: str,
        silence_s: float | None,
        where: Where,
    ) -> tuple[aiohttp.ClientResponse, Callable[[], None]]:
        pool = await self._opened(where)
        headers = {
            "Accept": accept,
            "Accept-Encoding": "gzip",
            "User-Agent": f"midwatch/{console.__version__}",
            **pool.headers,
            **self.target.headers,
        }
        authorization = await pool.credentials.authorization()
        if authorization is not None:
            headers["Authorization"] = authorization
        pool.present(pool.credentials.certificate)
        if write is not None:
            headers.update(write.headers)
            headers["Content-Type"] = write.content_type
        sent = list(headers.items())
        if write is not None and write.acts_as:
            sent = [each for each in sent if not each[0].lower().startswith("impersonate-")]
            sent += write.acts_as
        try:
            async with asyncio.timeout(self.target.timeout_s):
                response = await pool.session.request(
                    "GET" if write is None else write.method,
                    pool.base + path,
                    params=params,
                    data=None if write is None else write.body,
                    headers=sent,
                    allow_redirects=False,
                    timeout=pool.timeout(silence_s or self.target.timeout_s),
                    **pool.extra,
                )
        except pool.errors as error:
            failed = unreachable(where, error, self.target.timeout_s)
            raise (failed if isinstance(error, pool.unsent) else Lost(failed.failure)) from error
        return response, lambda: pool.credentials.forget(authorization)

    async def _opened(self, where: Where) -> _Pool:
        async with self._opening:
            if self._pool is None:
                if self._users == 0:
                    raise RuntimeError("a Connection is used inside `async with`")
                try:
                    self._pool = await _open(self.target, self.on, self._clock)
                except (OSError, ssl.SSLError) as error:
                    raise where.error(
                        FailureKind.REJECTED,
                        f"TLS files: {getattr(error, 'strerror', None) or type(error).__name__}",
                        "check ca_file, client_cert and client_key",
                    ) from error
            return self._pool


class _Pool(msgspec.Struct):
    """What is needed to send one request."""

    base: str
    session: aiohttp.ClientSession
    ssl_context: ssl.SSLContext
    credentials: Credentials
    headers: dict[str, str]
    extra: dict[str, Any]  # proxy, server_hostname
    errors: tuple[type[Exception], ...]
    unsent: tuple[type[Exception], ...]  # those of them that come before the first byte
    timeout: Callable[[float], aiohttp.ClientTimeout]
    presented: ClientCertificate | None = None

    def present(self, certificate: ClientCertificate | None) -> None:
        """Use a plugin's certificate from the next handshake on. The files exist only while OpenSSL reads
        them.
        """
        if certificate is None or certificate == self.presented:
            return
        with tempfile.TemporaryDirectory(prefix="midwatch-") as folder:  # mode 0700
            pem = Path(folder) / "client.pem"
            pem.write_text(f"{certificate.certificate}\n{certificate.key}\n")
            self.ssl_context.load_cert_chain(pem)
        self.presented = certificate


async def _open(target: KubeTarget, on: str, clock: Clock) -> _Pool:
    """By URL without the kubernetes package, by the pod's own account, or by kubeconfig with it."""
    credentials: Credentials = Given(target.authorization, on)
    if target.url is not None:
        return await _pool(target, target.url, target.ca_file, credentials)
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    if target.kubeconfig is None and target.context is None and host and not _has_kubeconfig():
        host = f"[{host}]" if ":" in host else host
        url = f"https://{host}:{os.environ.get('KUBERNETES_SERVICE_PORT') or '443'}"
        if target.authorization is None:
            credentials = TokenFile(SERVICE_ACCOUNT / "token", on)
        return await _pool(target, url, target.ca_file or str(SERVICE_ACCOUNT / "ca.crt"), credentials)
    return await _pool_by_kubeconfig(target, on, clock)


def _has_kubeconfig() -> bool:
    return bool(os.environ.get("KUBECONFIG")) or (Path.home() / ".kube" / "config").exists()


def _tls(target: KubeTarget, url: str, ca_file: str | None) -> ssl.SSLContext:
    """Reading the system's authorities takes 50 ms of CPU. Where neither the server nor a proxy speaks TLS (`kubectl
    proxy`) it is left out, and a context that trusts nobody stands there.
    """
    from urllib.request import getproxies  # 50 ms to import, and aiohttp has done so

    is_plain = url.lower().startswith("http://") and ca_file is None and target.proxy is None and not getproxies()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else ssl.create_default_context(cafile=ca_file)


async def _pool(target: KubeTarget, url: str, ca_file: str | None, credentials: Credentials) -> _Pool:
    (aiohttp,) = await load("aiohttp")
    context = await asyncio.to_thread(_tls, target, url, ca_file)
    if target.is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if target.client_cert is not None:
        context.load_cert_chain(target.client_cert, target.client_key)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=target.connections, ssl=context),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=target.proxy is None,
    )
    return _ready(target, url, session, context, credentials, {}, target.tls_server_name, target.proxy)


async def _pool_by_kubeconfig(target: KubeTarget, on: str, clock: Clock) -> _Pool:
    aiohttp, kubeconfig, rest = await load(
        "aiohttp", "console.sources.kubernetes.kubeconfig", "kubernetes.aio.client.rest"
    )
    loaded = await kubeconfig.load(target.kubeconfig, target.context, on, clock)
    configuration = loaded.configuration
    configuration.ssl_ca_cert = target.ca_file or configuration.ssl_ca_cert
    configuration.cert_file = target.client_cert or configuration.cert_file
    configuration.key_file = target.client_key if target.client_cert else configuration.key_file
    configuration.verify_ssl = configuration.verify_ssl and not target.is_insecure
    configuration.connection_pool_maxsize = target.connections
    proxy = target.proxy or configuration.proxy
    configuration.client_session_kwargs = {
        "cookie_jar": aiohttp.DummyCookieJar(),
        "trust_env": proxy is None,
    }
    client = await asyncio.to_thread(rest.RESTClientObject, configuration)
    credentials = loaded.credentials if target.authorization is None else Given(target.authorization, on)
    name = target.tls_server_name or configuration.tls_server_name
    return _ready(
        target,
        configuration.host,
        client._create_pool_manager(),
        client.ssl_context,
        credentials,
        loaded.headers,
        name,
        proxy,
    )


def _ready(
    target: KubeTarget,
    url: str,
    session: aiohttp.ClientSession,
    context: ssl.SSLContext,
    credentials: Credentials,
    headers: dict[str, str],
    server_name: str | None,
    proxy: str | None,
) -> _Pool:
    import aiohttp

    extra: dict[str, Any] = {}
    if server_name is not None:
        extra["server_hostname"] = server_name
    if proxy is not None:
        extra["proxy"] = proxy

    def timeout(silence_s: float) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=None, connect=target.timeout_s, sock_read=silence_s)

    errors = (aiohttp.ClientError, OSError, TimeoutError, ValueError)
    unsent = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)
    return _Pool(url.rstrip("/"), session, context, credentials, headers, extra, errors, unsent, timeout)
