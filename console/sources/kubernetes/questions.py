"""One-off questions to an API server: what a reflector does not keep because it would cost memory for every
object.

A pane asks one of these for the row that is opened. Each raises SourceError, never more, and reads a bounded
answer.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote, urlsplit

import msgspec

from console.model.failure import Failure, FailureKind, SourceError
from console.sources.kubernetes.answer import Body, Expired, Where
from console.sources.kubernetes.connection import Connection
from console.sources.sanitise import clean

OBJECT_LIMIT = 8 * 1024 * 1024
LOG_LIMIT = 1024 * 1024
LOG_LINES = 5000
LOG_LINE_LIMIT = 4000


class Access(msgspec.Struct, frozen=True):
    """Whether the credential may do it, in the server's words when it gives any."""

    is_allowed: bool
    reason: str = ""


class _Version(msgspec.Struct, rename="camel"):
    git_version: str


class _ReviewStatus(msgspec.Struct, rename="camel"):
    allowed: bool = False
    reason: str | None = None
    evaluation_error: str | None = None


class _Review(msgspec.Struct):
    status: _ReviewStatus


class Questions:
    """Asked through a shared connection; each enters it, so that nothing stays open behind the last one."""

    def __init__(self, connection: Connection) -> None:
        self.server_date: datetime | None = None  # of the last answer that told one
        self._connection = connection

    async def version(self) -> str:
        """The server's: "v1.31.2"."""
        body = await self._get("/version", "ask the version", 65536)
        try:
            return clean(msgspec.json.decode(_good(body), type=_Version).git_version, 60)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _no_json(body, error) from None

    async def get_raw(self, path: str) -> bytes:
        """A whole object as JSON, for `describe`. Foreign text that is not cleaned yet: decode, then clean,
        then show.
        """
        parts = urlsplit(path)
        if not path.startswith("/") or path.startswith("//") or parts.scheme or parts.netloc:
            raise ValueError(f"{path!r} is not a path on the API server")
        body = await self._get(path, f"get {clean(path, 200)}", OBJECT_LIMIT)
        data = _good(body)
        try:
            msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _no_json(body, error) from None
        return data

    async def pod_log(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        tail_lines: int = 200,
        is_previous: bool = False,
    ) -> tuple[str, ...]:
        """The last lines of one container, cleaned; empty for a pod on no node. At most 5,000 lines and 1
        MiB.
        """
        params = {"tailLines": str(max(0, min(tail_lines, LOG_LINES))), "limitBytes": str(LOG_LIMIT)}
        if container is not None:
            params["container"] = container
        if is_previous:
            params["previous"] = "true"
        path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/log"
        async with self._connection as connection:
            body = await connection.read(
                path,
                f"read the log of {namespace}/{pod}",
                params,
                accept="*/*",
                limit=LOG_LIMIT + 65536,  # a kubelet may end its last line past limitBytes
            )
        text = _good(body).decode("utf-8", "replace")
        lines = text.split("\n")
        if lines and not lines[-1]:
            lines.pop()
        return tuple(clean(line, LOG_LINE_LIMIT) for line in lines[-LOG_LINES:])

    async def access_review(
        self, verb: str, resource: str, namespace: str | None = None, group: str = "", subresource: str = ""
    ) -> Access:
        """May this credential do it? A denial is an answer (201, not allowed), not an error."""
        wanted = {
            "verb": verb,
            "resource": resource,
            "group": group,
            "subresource": subresource,
            "namespace": namespace or "",
        }
        attributes = {name: value for name, value in wanted.items() if value}
        question = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        async with self._connection as connection:
            body = await connection.read(
                "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
                f"ask whether we may {verb} {resource}",
                post=msgspec.json.encode(question),
                limit=OBJECT_LIMIT,
            )
        try:
            status = msgspec.json.decode(_good(body), type=_Review).status
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise _no_json(body, error) from None
        return Access(status.allowed, clean(status.reason or status.evaluation_error or "", 300))

    async def _get(self, path: str, tried: str, limit: int) -> Body:
        async with self._connection as connection:
            body = await connection.read(path, tried, limit=limit)
        self.server_date = body.server_date or self.server_date
        return body


def _good(body: Body) -> bytes:
    try:
        return body.good()
    except Expired as error:
        raise SourceError(
            Failure(
                kind=FailureKind.REJECTED,
                tried=body.where.tried,
                on=body.where.on,
                got=clean(f"410: {error}", 300),
            )
        ) from None


def _no_json(body: Body, error: Exception) -> SourceError:
    begin = body.data[:80].decode("utf-8", "replace").strip()
    where: Where = body.where
    return where.error(
        FailureKind.BAD_ANSWER,
        f"not the JSON expected ({type(error).__name__}), it begins {begin!r}",
        "a proxy or a login page before the API server?",
    )
