"""The requests session under `prometheus-api-client`: bounded, timed, and remembering what the library throws
away.

`PrometheusConnect.custom_query` returns `response.json()["data"]["result"]` and nothing else: warnings, the
`Date` header and the error's type are lost, and an HTML page surfaces as JSONDecodeError. So the adapter
mounted under it reads the body itself, decodes it once with msgspec, hands the library a `json()` that is
already decoded, and leaves the rest on the `Connection` whose thread asked. One `Connection` belongs to one
worker thread: a requests session is not thread-safe.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.sources.access import Access, place
from console.sources.body import ENCODINGS, MAX_BYTES, Body, TooLarge
from console.sources.loading import load_here
from console.sources.prometheus.answer import Envelope, TooManyPoints, envelope, series
from console.sources.sanitise import clean
from console.sources.status import malformed, page_failure, status_failure, too_large

KIND = "prometheus"
CHUNK = 65_536


class Exchange(msgspec.Struct):
    """What the last request of a connection brought, besides what the library returns."""

    status: int = 0
    headers: Mapping[str, str] = {}
    bytes_in: int = 0
    frame: Envelope | None = None
    failure: Failure | None = None  # found while reading the body; outranks what the library then raises


class Connection:
    """One thread's `PrometheusConnect`. Built in that thread: importing the library takes 200 ms."""

    def __init__(self, access: Access) -> None:
        load_here("requests", "prometheus_api_client")
        import requests
        from prometheus_api_client import PrometheusConnect
        from urllib3.util.retry import Retry

        self._access = access
        self.timeout_s = access.timeout_s
        self.on = place(KIND, access.url)
        self.last = Exchange()
        self._is_query = False
        session = requests.Session()
        session.trust_env = False
        session.max_redirects = 2
        session.verify = access.ca_file or True
        session.cert = access.client_cert
        session.headers.update({**access.base_headers(), "Accept": "application/json", "Accept-Encoding": ENCODINGS})
        proxies = {"http": access.proxy, "https": access.proxy} if access.proxy else {}
        self._client: Any = PrometheusConnect(
            url=access.url, session=session, retry=Retry(total=0), timeout=access.timeout_s, proxy=proxies
        )
        adapter = _adapter(self)
        for prefix in (access.url, "http://", "https://"):
            session.mount(prefix, adapter)
        self._session = session

    def query(self, query: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Any:
        """An instant query through the library; the decoded series. Raises SourceError."""
        return self._ask(query, headers, lambda: self._client.custom_query(query, params=dict(params)))

    def query_range(
        self,
        query: str,
        start: Any,
        end: Any,
        step_s: float,
        params: Mapping[str, str],
        headers: Mapping[str, str],
    ) -> Any:
        """A range query through the library; the decoded series. Raises SourceError."""
        return self._ask(
            query,
            headers,
            lambda: self._client.custom_query_range(query, start, end, f"{step_s:g}", params=dict(params)),
        )

    def get(self, path: str, headers: Mapping[str, str]) -> msgspec.Raw:
        """The `data` of an endpoint the library does not know, over the same session. Raises SourceError."""

        def ask() -> msgspec.Raw:
            self._session.get(self._access.url + path, headers=dict(headers), timeout=self._access.timeout_s)
            return self.last.frame.data if self.last.frame is not None else msgspec.Raw(b"null")

        result: msgspec.Raw = self._ask(path, headers, ask, is_query=False)
        return result

    def close(self) -> None:
        """Ends its connections."""
        self._session.close()

    def _ask(self, what: str, headers: Mapping[str, str], call: Any, is_query: bool = True) -> Any:
        import requests
        from prometheus_api_client.exceptions import PrometheusApiClientException

        tried = f"ask {clean(what, 80)!r}"
        self.last = Exchange()
        self._is_query = is_query
        self._client.headers = dict(headers)
        try:
            result = call()
        except (
            PrometheusApiClientException,
            requests.RequestException,
            ValueError,
            KeyError,
            TypeError,
        ) as error:
            failure = self.last.failure or _network_failure(error, tried, self.on)
            raise SourceError(msgspec.structs.replace(failure, tried=tried)) from error
        if self.last.failure is not None:
            raise SourceError(msgspec.structs.replace(self.last.failure, tried=tried))
        return result

    def read(self, response: Any, deadline: float) -> bytes:
        """The body of a urllib3 response, within its cap and until `deadline` (time.monotonic) however slowly
        it drips.
        """
        body = Body(MAX_BYTES, response.headers.get("content-encoding", ""))
        try:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                body.feed(chunk)
                if time.monotonic() > deadline:
                    raise TimeoutError
        finally:
            self.last.bytes_in = body.received
        return body.done()

    def judge(self, response: Any, deadline: float) -> tuple[bytes, Any]:
        """Body, and what `json()` shall return; whatever is wrong with either is left in `last.failure`."""
        last = self.last
        last.status, last.headers = response.status_code, dict(response.headers.lower_items())
        tried = "ask"
        try:
            content = self.read(response, deadline)
            page = page_failure(tried, self.on, last.headers.get("content-type", ""), content)
            if page is None:
                last.frame = envelope(content)
            if last.status != 200 or page is not None or last.frame is None or last.frame.status != "success":
                last.failure = _refusal(last, page, tried, self.on)
                return content, None
            return content, {"data": {"result": series(last.frame.data) if self._is_query else ()}}
        except TooLarge:
            last.failure = too_large(tried, self.on, MAX_BYTES)
        except TooManyPoints as error:
            last.failure = Failure(
                kind=FailureKind.TOO_LARGE,
                tried=tried,
                on=self.on,
                got=f"an answer of {error.points:,} points",
                hint="aggregate in the query (sum by ...): a screen shows a few hundred",
            )
        except TimeoutError:
            last.failure = Failure(
                kind=FailureKind.TIMEOUT,
                tried=tried,
                on=self.on,
                got="the answer dripped in too slowly",
                hint="raise timeout_s",
            )
        except (msgspec.MsgspecError, ValueError) as error:
            last.failure = (
                malformed(tried, self.on, error)
                if last.status == 200
                else status_failure(last.status, last.headers, tried, self.on)
            )
        return b"", None


def _refusal(last: Exchange, page: Failure | None, tried: str, on: str) -> Failure:
    if last.status == 200 and page is not None:
        return page
    frame = last.frame
    said = f"{frame.error_type}: {frame.error}" if frame is not None and frame.error else ""
    if last.status == 200:
        return malformed(tried, on, ValueError(said or "status is not success"))
    failure = status_failure(last.status, last.headers, tried, on, said, is_page=page is not None)
    if frame is not None and frame.error_type == "timeout":
        return msgspec.structs.replace(failure, kind=FailureKind.TIMEOUT, hint="the query is too heavy")
    return failure


def _network_failure(error: Exception, tried: str, on: str) -> Failure:
    import requests

    if isinstance(error, requests.Timeout):
        return Failure(
            kind=FailureKind.TIMEOUT,
            tried=tried,
            on=on,
            got="no answer in time",
            hint="raise timeout_s, or is it overloaded?",
        )
    text = str(error)
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return malformed(tried, on, ValueError("the answer broke off"))
    if isinstance(error, requests.exceptions.SSLError):
        return Failure(
            kind=FailureKind.UNREACHABLE,
            tried=tried,
            on=on,
            got=clean(text[text.rfind("[SSL") :] if "[SSL" in text else text, 160),
            hint="check ca_file and the certificate's names",
        )
    if isinstance(error, requests.ConnectionError):
        got = "connection refused" if "refused" in text else clean(text[text.rfind(": ") + 2 :], 120)
        return Failure(
            kind=FailureKind.UNREACHABLE,
            tried=tried,
            on=on,
            got=got,
            hint="is the server up? midwatch doctor",
        )
    if isinstance(error, requests.RequestException):
        return Failure(kind=FailureKind.REJECTED, tried=tried, on=on, got=clean(text, 160), hint="check the url")
    return malformed(tried, on, error)


def _adapter(connection: Connection) -> Any:
    """The adapter's class needs requests' base class, so it is made where requests is loaded."""
    import requests
    from requests.adapters import HTTPAdapter
    from urllib3.exceptions import HTTPError, ReadTimeoutError
    from urllib3.util.retry import Retry

    class Bounded(HTTPAdapter):
        def send(self, request: Any, *_: Any, **options: Any) -> Any:
            deadline = time.monotonic() + connection.timeout_s
            response: Any = super().send(request, **{**options, "stream": True})
            try:
                content, decoded = connection.judge(response, deadline)
            except ReadTimeoutError as error:
                response.close()
                raise requests.ReadTimeout(error, request=request) from error
            except (HTTPError, OSError) as error:
                response.close()
                raise requests.exceptions.ChunkedEncodingError(error, request=request) from error
            if connection.last.failure is not None:
                response.close()  # the rest of the body must not be drained back into the pool
            response._content = content
            response._content_consumed = True
            if decoded is not None:
                response.json = lambda **_: decoded
            return response

    # read=False: a read that times out is then told as such, not as a connection that failed.
    return Bounded(max_retries=Retry(total=0, read=False), pool_connections=1, pool_maxsize=1)
