"""The hand of one cluster: asks what a plan needs to know, rehearses, writes once, and looks what came of it.

Everything goes through one connection made of the `write` credential: what may be done is then asked with the very
credential that would do it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from console.actions.audit.kinds import Found
from console.actions.audit.operation import Actor, Outcome
from console.actions.survey import Right
from console.actions.targets.kubernetes import pointer
from console.actions.writes import Answer, Echo, KubeWrite
from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock
from console.sources.kubernetes.answer import Body, status_object
from console.sources.kubernetes.connection import Connection, KubeTarget, Lost, Writing
from console.sources.sanitise import clean

OBJECT_LIMIT = 8 * 1024 * 1024
LIST_LIMIT = 64 * 1024 * 1024
PAGE = "500"
MAX_PAGES = 200
MANAGER = "midwatch"
_REFUSED = frozenset((400, 401, 403, 404, 405, 406, 409, 410, 412, 413, 415, 422))


class Rehearsal(msgspec.Struct, frozen=True):
    """What a server-side dry-run said. None: there is none to be had, which is no consent."""

    is_accepted: bool | None
    text: str
    document: Any = None


class KubeHand:
    """One cluster. `impersonates`: requests carry the engineer's name, as `serve` must."""

    def __init__(self, target: KubeTarget, clock: Clock, *, impersonates: bool = False) -> None:
        self.cluster = target.cluster
        self._clock = clock
        self._impersonates = impersonates
        self._connection = Connection(msgspec.structs.replace(target, may_write=True), clock)
        self._identity = ""
        self.skew_s: float | None = None  # server's Date - ours, of the last answer

    async def __aenter__(self) -> KubeHand:
        await self._connection.__aenter__()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._connection.__aexit__(None, None, None)

    # --- what a plan needs to know -----------------------------------------------------------------------------------

    async def get(self, path: str, tried: str) -> dict[str, Any] | None:
        """One object; None when it is not there. Raises SourceError."""
        async with self._connection as connection:
            body = await connection.read(path, tried, limit=OBJECT_LIMIT)
        self._see(body)
        if body.status == 404 and status_object(body.data) is not None:
            return None
        return _decoded(body)

    async def listed(self, path: str, tried: str, params: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """All objects of a list, page by page. Raises SourceError."""
        items: list[dict[str, Any]] = []
        token = ""
        for _ in range(MAX_PAGES):
            asked = {**(params or {}), "limit": PAGE, **({"continue": token} if token else {})}
            async with self._connection as connection:
                body = await connection.read(path, tried, asked, limit=LIST_LIMIT)
            self._see(body)
            page = _decoded(body)
            items += [item for item in page.get("items") or () if isinstance(item, dict)]
            metadata = page.get("metadata")
            token = str(metadata.get("continue") or "") if isinstance(metadata, dict) else ""
            if not token:
                return items
        raise _no(body, f"more than {MAX_PAGES * int(PAGE):,} objects")

    async def identity(self) -> str:
        """What makes this cluster this one: the uid of kube-system. Asked once. Raises SourceError."""
        if not self._identity:
            namespace = await self.get("/api/v1/namespaces/kube-system", "ask which cluster this is")
            self._identity = str(pointer.at(namespace, "/metadata/uid") or "")
        return self._identity

    async def right(
        self, person: Actor, verb: str, resource: str, *, group: str = "", sub: str = "", namespace: str = ""
    ) -> Right:
        """May it be done, with this credential or as this person? A failed question is an answer of None."""
        named = f"{resource}{'.' + group if group else ''}{'/' + sub if sub else ''}"
        wanted = {"verb": verb, "resource": resource, "group": group, "subresource": sub, "namespace": namespace}
        attributes = {name: value for name, value in wanted.items() if value}
        kind, spec = "SelfSubjectAccessReview", {"resourceAttributes": attributes}
        if self._impersonates:
            kind, spec = "SubjectAccessReview", {**spec, "user": person.name}  # type: ignore[dict-item]
        question = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        try:
            async with self._connection as connection:
                body = await connection.read(
                    f"/apis/authorization.k8s.io/v1/{kind.lower()}s",
                    f"ask whether {verb} {named} is allowed",
                    post=msgspec.json.encode(question),
                    limit=OBJECT_LIMIT,
                )
            self._see(body)
            status = _decoded(body).get("status")
        except SourceError as error:
            return Right(verb=verb, resource=named, is_allowed=None, reason=error.failure.got)
        status = status if isinstance(status, dict) else {}
        said = clean(str(status.get("reason") or status.get("evaluationError") or ""), 200)
        return Right(verb=verb, resource=named, is_allowed=status.get("allowed") is True, reason=said)

    async def rehearse(self, write: KubeWrite, operation: str, person: Actor) -> Rehearsal:
        """The same bytes with dryRun=All. A webhook that cannot be rehearsed means that there is no plan, not consent."""
        try:
            async with self._connection as connection:
                body = await connection.read(
                    write.path,
                    "rehearse (server dry-run)",
                    self._params(write, rehearse=True),
                    write=self._writing(write, operation, person),
                    limit=OBJECT_LIMIT,
                )
        except SourceError as error:
            return Rehearsal(None, error.failure.got)
        self._see(body)
        if 200 <= body.status < 300:
            return Rehearsal(True, "server dry-run accepted", _decoded(body))
        said = _words(body)
        if "dry run" in said.lower() or body.status >= 500:  # a webhook with side effects, or nobody who can say
            return Rehearsal(None, said)
        return Rehearsal(False, said)

    # --- what changes something --------------------------------------------------------------------------------------

    async def do(self, write: KubeWrite, operation: str, person: Actor) -> Answer:
        """Send it, once."""
        status: int | None = None
        try:
            async with self._connection as connection:
                asking = connection.ask(
                    write.path,
                    f"{write.method} {write.path}",
                    self._params(write),
                    write=self._writing(write, operation, person),
                )
                async with asking as answer:
                    status = answer.status
                    body = await answer.body(OBJECT_LIMIT)
        except Lost as error:
            return Answer(outcome=Outcome.UNKNOWN, text=error.failure.got)
        except SourceError as error:
            if status is not None and status not in _REFUSED:
                return Answer(outcome=Outcome.UNKNOWN, status=status, text=error.failure.got)
            if status is not None:
                said = f"{status}, and why was lost: {error.failure.got}"
                return Answer(
                    outcome=Outcome.FAILURE, status=status, text=said, is_drift=status in (404, 409, 412, 422)
                )
            return Answer(outcome=Outcome.FAILURE, status=status, text=f"nothing was sent: {error.failure.got}")
        self._see(body)
        return await self._answered(write, body)

    async def _answered(self, write: KubeWrite, body: Body) -> Answer:
        status = body.status
        if 200 <= status < 300:
            try:
                document = _decoded(body)
            except SourceError as error:  # a page of a proxy, or the half of an object
                return Answer(outcome=Outcome.UNKNOWN, status=status, text=error.failure.got)
            return Answer(
                outcome=Outcome.SUCCESS,
                status=status,
                text="accepted",
                uid=str(pointer.at(document, "/metadata/uid") or ""),
                generation=_number(pointer.at(document, "/metadata/generation")),
            )
        said = _words(body)
        if not write.after and status in (404, 409):  # an eviction: is it the wrong pod, or is ours gone?
            echo = await self.read_back(write)
            if echo.found is Found.APPLIED:
                return Answer(outcome=Outcome.SUCCESS, status=status, text=f"{echo.text} ({status})", uid=write.uid)
        if status == 429:
            return Answer(
                outcome=Outcome.FAILURE, status=status, text=said, is_busy=True, retry_after_s=_retry_after(body)
            )
        if status in _REFUSED or 300 <= status < 400:
            is_untested = status == 422 and " is invalid: " not in said  # else it is a value that the server refuses
            if is_untested:
                said = f"a test in the patch does not hold any more (422: {said})"
            is_drift = status in (404, 409, 412) or is_untested
            return Answer(outcome=Outcome.FAILURE, status=status, text=said, is_drift=is_drift)
        if status == 500 and "more than one PodDisruptionBudget" in said:
            return Answer(outcome=Outcome.FAILURE, status=status, text=said)
        return Answer(outcome=Outcome.UNKNOWN, status=status, text=said)

    async def read_back(self, write: KubeWrite) -> Echo:
        """Look at the object and say whether the write took effect."""
        try:
            found = await self.get(write.read_path, "read back what came of it")
        except SourceError as error:
            return Echo(found=Found.UNCLEAR, text=error.failure.got)
        uid = str(pointer.at(found, "/metadata/uid") or "")
        generation = _number(pointer.at(found, "/metadata/generation"))
        if not write.after:  # the object was to go
            if found is None:
                return Echo(found=Found.APPLIED, text="it is gone")
            if uid != write.uid:
                return Echo(found=Found.APPLIED, text="it is gone, and its name belongs to another now")
            if pointer.at(found, "/metadata/deletionTimestamp") is not None:
                return Echo(found=Found.APPLIED, text="it is terminating", uid=uid)
            return Echo(found=Found.ABSENT, text="it is still there, and stays", uid=uid)
        if found is None or (write.uid and uid != write.uid):
            return Echo(found=Found.ABSENT, text="the object it was for is gone", uid=uid)
        if pointer.holds(found, write.after):
            return Echo(found=Found.APPLIED, text="the object holds what was written", uid=uid, generation=generation)
        if write.before and pointer.holds(found, write.before):
            return Echo(found=Found.ABSENT, text="the object is as it was", uid=uid, generation=generation)
        return Echo(found=Found.UNCLEAR, text="the object is neither as it was nor as written", uid=uid)

    async def coordinate(self, method: str, path: str, body: bytes, operation: str, person: Actor) -> dict[str, Any]:
        """Write a Lease, which changes nothing but who may go on. Raises SourceError for every refusal."""
        headers = self._headers(operation, person)
        async with self._connection as connection:
            answer = await connection.read(
                path,
                f"{method} the lock between hosts",
                write=Writing(method, body, headers=headers),
                limit=OBJECT_LIMIT,
            )
        return _decoded(answer)

    async def close(self) -> None:
        """Nothing is open between requests but the pool of whoever is inside."""

    # --- bytes -------------------------------------------------------------------------------------------------------

    def _params(self, write: KubeWrite, *, rehearse: bool = False) -> dict[str, str]:
        params = {} if write.path.endswith("/eviction") else {"fieldManager": MANAGER}
        return {**params, "dryRun": "All"} if rehearse else params

    def _writing(self, write: KubeWrite, operation: str, person: Actor) -> Writing:
        return Writing(write.method, write.body.encode(), write.content_type, self._headers(operation, person))

    def _headers(self, operation: str, person: Actor) -> dict[str, str]:
        headers = {"User-Agent": f"midwatch ({operation})"}  # stands in the API server's own audit
        return {**headers, "Impersonate-User": person.name} if self._impersonates else headers

    def _see(self, body: Body) -> None:
        date = body.server_date
        if date is not None:
            self.skew_s = (date - self._clock.now().utc).total_seconds()


def _decoded(body: Body) -> dict[str, Any]:
    if not 200 <= body.status < 300:
        kind = {401: FailureKind.UNAUTHORIZED, 403: FailureKind.UNAUTHORIZED, 404: FailureKind.NOT_FOUND}
        raise body.where.error(kind.get(body.status, FailureKind.REJECTED), f"{body.status}: {_words(body)}")
    try:
        return msgspec.json.decode(body.data, type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        begin = body.data[:80].decode("utf-8", "replace").strip()
        raise _no(body, f"not the JSON of an object, it begins {begin!r}") from None


def _no(body: Body, what: str) -> SourceError:
    return body.where.error(FailureKind.BAD_ANSWER, what, "a proxy or a login page before the API server?")


def _words(body: Body) -> str:
    said = status_object(body.data)
    words = said.message if said is not None and said.message else body.data[:300].decode("utf-8", "replace")
    return clean(words.strip() or f"{body.status}, without a word", 400)


def _retry_after(body: Body) -> float | None:
    text = body.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 6:
        return float(text)
    said = status_object(body.data)
    if said is not None and said.details is not None and said.details.retry_after_seconds:
        return float(said.details.retry_after_seconds)
    return None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
