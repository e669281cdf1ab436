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
from console.actions.targets.kubernetes.impersonation import AUTHENTICATED, ActsAs, NoImpersonation, Roles, acts_as
from console.actions.writes import Answer, Echo, KubeWrite
from console.model.failure import FailureKind, SourceError
from console.model.instant import Clock
from console.sources.kubernetes.answer import Body, Where, status_object
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
    """One cluster. `impersonates`: what changes something carries the engineer's name and roles, as in `serve`; the
    credential is then the account that may impersonate, and what it could do itself is never used. None: the credential
    is the engineer's own.
    """

    def __init__(self, target: KubeTarget, clock: Clock, *, impersonates: Roles | None = None) -> None:
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
        if self._impersonates is None:
            allowed, said = await self._review("SelfSubjectAccessReview", {"resourceAttributes": attributes})
            return Right(verb=verb, resource=named, is_allowed=allowed, reason=said)
        try:
            who = await acts_as(person, self._impersonates)
        except NoImpersonation as error:
            return Right(verb=verb, resource=named, is_allowed=False, reason=str(error))
        allowed, said = await self._may_impersonate(who)
        if allowed:
            asked = {"user": who.user, "groups": [*who.groups, AUTHENTICATED], "resourceAttributes": attributes}
            allowed, said = await self._review("SubjectAccessReview", asked)
        return Right(verb=verb, resource=named, is_allowed=allowed, reason=said)

    async def _may_impersonate(self, who: ActsAs) -> tuple[bool | None, str]:
        """May midwatch's own account act for this user and each of the groups?"""
        for resource, names in (("users", (who.user,)), ("groups", who.groups)):
            for name in names:
                attributes = {"verb": "impersonate", "resource": resource, "name": name}
                allowed, said = await self._review("SelfSubjectAccessReview", {"resourceAttributes": attributes})
                if not allowed:
                    what = "may not be asked whether it may" if allowed is None else "may not"
                    why = f": {said}" if said else ""
                    return allowed, f"midwatch's own account there {what} impersonate {resource[:-1]} {name}{why}"
        return True, ""

    async def _review(self, kind: str, spec: Mapping[str, Any]) -> tuple[bool | None, str]:
        """The server's answer and its words; None where it could not be had."""
        attributes = spec["resourceAttributes"]
        question = {"apiVersion": "authorization.k8s.io/v1", "kind": kind, "spec": spec}
        try:
            async with self._connection as connection:
                body = await connection.read(
                    f"/apis/authorization.k8s.io/v1/{kind.lower()}s",
                    f"ask whether {attributes['verb']} {attributes['resource']} is allowed",
                    post=msgspec.json.encode(question),
                    limit=OBJECT_LIMIT,
                )
            self._see(body)
            status = _decoded(body).get("status")
        except SourceError as error:
            return None, error.failure.got
        status = status if isinstance(status, dict) else {}
        said = clean(str(status.get("reason") or status.get("evaluationError") or ""), 200)
        return status.get("allowed") is True, said

    async def rehearse(self, write: KubeWrite, operation: str, person: Actor) -> Rehearsal:
        """The same bytes with dryRun=All. A webhook that cannot be rehearsed means that there is no plan, not consent."""
        try:
            writing = await self._writing(write, operation, person)
            async with self._connection as connection:
                body = await connection.read(
                    write.path,
                    "rehearse (server dry-run)",
                    self._params(write, rehearse=True),
                    write=writing,
                    limit=OBJECT_LIMIT,
                )
        except SourceError as error:
            return Rehearsal(None, error.failure.got)
        except NoImpersonation as error:
            return Rehearsal(False, str(error))
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
            writing = await self._writing(write, operation, person)
        except NoImpersonation as error:
            return Answer(outcome=Outcome.FAILURE, text=f"nothing was sent: {error}")
        try:
            async with self._connection as connection:
                asking = connection.ask(
                    write.path,
                    f"{write.method} {write.path}",
                    self._params(write),
                    write=writing,
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
        tried = f"{method} the lock between hosts"
        try:
            writing = await self._named(Writing(method, body), operation, person)
        except NoImpersonation as error:
            raise Where(tried, self._connection.on).error(FailureKind.UNAUTHORIZED, str(error)) from error
        async with self._connection as connection:
            answer = await connection.read(path, tried, write=writing, limit=OBJECT_LIMIT)
        return _decoded(answer)

    async def close(self) -> None:
        """Nothing is open between requests but the pool of whoever is inside."""

    # --- bytes -------------------------------------------------------------------------------------------------------

    def _params(self, write: KubeWrite, *, rehearse: bool = False) -> dict[str, str]:
        params = {} if write.path.endswith("/eviction") else {"fieldManager": MANAGER}
        return {**params, "dryRun": "All"} if rehearse else params

    async def _writing(self, write: KubeWrite, operation: str, person: Actor) -> Writing:
        """Raises NoImpersonation."""
        return await self._named(Writing(write.method, write.body.encode(), write.content_type), operation, person)

    async def _named(self, writing: Writing, operation: str, person: Actor) -> Writing:
        """With what stands in the API server's own audit: the operation, and for whom. Raises NoImpersonation."""
        who = (await acts_as(person, self._impersonates)).headers if self._impersonates is not None else ()
        return msgspec.structs.replace(writing, headers={"User-Agent": f"midwatch ({operation})"}, acts_as=who)

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
