"""Objects under one revision counter, with a log of changes for each resource.

Every question a client can ask is answered from the same two things: the current objects, and the log that
undoes them back to an older revision or replays them forward to a watcher. A page of a list is therefore the
state *as of* its revision, and becomes unanswerable at the moment a watch from there does: when the log was
compacted past it.

An object is kept as the bytes it is sent as (an item of a list; `kind` and `apiVersion` are put before it
when it stands alone), so that 400 pods are joined, not encoded, and nobody can change one from outside.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

import msgspec

from console.demo.kubernetes import resources
from console.demo.kubernetes.resources import Resource
from console.demo.kubernetes.selectors import Selection, fields_of
from console.demo.kubernetes.watch import Watch

_encode = msgspec.json.encode
_decode = msgspec.json.decode

HISTORY_S = 300.0
"""How long changes are remembered; etcd's compaction interval in a usual cluster."""
HISTORY_CHANGES = 16_384
"""Ceiling of one resource's log, whatever its age: memory must be bounded when a test churns."""
_SNAPSHOTS = 4


class Expired(Exception):
    """The revision asked for was compacted away. `oldest` is the oldest that can still be asked for."""

    def __init__(self, asked: int, oldest: int) -> None:
        super().__init__(f"too old resource version: {asked} ({oldest})")


class Stored(msgspec.Struct, frozen=True, gc=False):
    """One version of one object."""

    key: str
    """namespace/name, or name: lists are in this order."""
    namespace: str
    name: str
    revision: int
    labels: dict[str, str]
    fields: dict[str, str]
    body: bytes
    """JSON object without kind and apiVersion."""

    def selected(self, by: Selection) -> bool:
        return by.matches(self.namespace, self.labels, self.fields)

    def read(self) -> dict[str, Any]:
        """A fresh copy, free to be changed and applied again."""
        body: dict[str, Any] = _decode(self.body)
        return body

    def at_revision(self, revision: int) -> Stored:
        """The same state under another resourceVersion, as a DELETED event carries it."""
        body = self.read()
        body["metadata"]["resourceVersion"] = str(revision)
        return msgspec.structs.replace(self, revision=revision, body=_encode(body))


class Change(msgspec.Struct, frozen=True, gc=False):
    revision: int
    type: str
    """ADDED, MODIFIED or DELETED."""
    at: float
    """Unix seconds."""
    now: Stored
    """For DELETED the last state, under the revision of the deletion."""
    before: Stored | None


def seen_by(change: Change, by: Selection) -> tuple[str, Stored] | None:
    """The event a watcher with this selection gets. An object that leaves the selection is DELETED to it, in
    the state it had before and with the revision of the change."""
    was = change.before is not None and change.before.selected(by)
    if change.type == "DELETED":
        return ("DELETED", change.now) if was else None
    if change.now.selected(by):
        return ("MODIFIED" if was else "ADDED", change.now)
    if was and change.before is not None:
        return "DELETED", change.before.at_revision(change.revision)
    return None


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """A resource as of a revision, in key order; the two lists run in parallel."""

    keys: list[str]
    items: list[Stored]

    def span(self, namespace: str | None) -> tuple[int, int]:
        if namespace is None:
            return 0, len(self.keys)
        # "0" follows "/", so this is the end of the prefix.
        return bisect_left(self.keys, f"{namespace}/"), bisect_left(self.keys, f"{namespace}0")


class Shelf:
    """One resource."""

    def __init__(self) -> None:
        self.current: dict[str, Stored] = {}
        self.log: deque[Change] = deque()
        self.floor = 0
        """Changes up to this revision are forgotten."""
        self.last = 0
        self.watches: set[Watch] = set()
        self._snapshots: OrderedDict[int, Snapshot] = OrderedDict()

    def record(self, change: Change) -> None:
        if change.type == "DELETED":
            del self.current[change.now.key]
        else:
            self.current[change.now.key] = change.now
        self.last = change.revision
        self.log.append(change)
        for watch in self.watches:
            event = seen_by(change, watch.selection)
            if event is not None:
                watch.push(*event)

    def forget(self, revision: int) -> None:
        """Drops the log up to and including `revision`."""
        self.floor = max(self.floor, revision)
        while self.log and self.log[0].revision <= self.floor:
            self.log.popleft()
        for old in [r for r in self._snapshots if r < self.floor]:
            del self._snapshots[old]

    def snapshot(self, revision: int) -> Snapshot:
        """Raises Expired."""
        if revision < self.floor:
            raise Expired(revision, self.floor)
        revision = max(min(revision, self.last), self.floor)
        known = self._snapshots.get(revision)
        if known is None:
            state = self.current
            if revision < self.last:
                state = dict(state)
                for change in reversed(self.log):
                    if change.revision <= revision:
                        break
                    if change.before is None:
                        del state[change.now.key]
                    else:
                        state[change.now.key] = change.before
            keys = sorted(state)
            known = self._snapshots[revision] = Snapshot(keys, [state[key] for key in keys])
            while len(self._snapshots) > _SNAPSHOTS:
                self._snapshots.popitem(last=False)
        return known


class Store:
    """`clock` gives aware UTC; it stamps creations and ages the log."""

    def __init__(
        self,
        clock: Callable[[], datetime],
        seed: int = 0,
        history_s: float = HISTORY_S,
        history_changes: int = HISTORY_CHANGES,
    ) -> None:
        self.clock = clock
        self.seed = seed
        self.history_s = history_s
        self.history_changes = history_changes
        self.revision = 1
        self.stalled = False
        """True: watches write nothing and do not end, as when the path to the client has gone dead."""
        self._shelves: dict[str, Shelf] = {}

    def shelf(self, name: str) -> Shelf:
        return self._shelves.setdefault(name, Shelf())

    # Writing

    def apply(self, obj: Mapping[str, Any]) -> dict[str, Any]:
        """Creates the object or replaces it, and returns what is now stored. `obj` has kind, apiVersion and
        metadata.name. An apply that changes nothing keeps the resourceVersion and tells no watcher. uid and
        creationTimestamp belong to the server once they are set."""
        resource = resources.of_object(obj["apiVersion"], obj["kind"])
        shelf = self.shelf(resource.shelf)
        given = obj["metadata"]
        namespace = given.get("namespace", "") if resource.namespaced else ""
        key = f"{namespace}/{given['name']}" if resource.namespaced else given["name"]
        before = shelf.current.get(key)
        now = self.clock()
        if before is None:
            old = {
                "uid": given.get("uid") or self._uid(resource, key),
                "creationTimestamp": given.get("creationTimestamp") or stamp(now),
            }
        else:
            old = before.read()["metadata"]
        metadata = {**given, "uid": old["uid"], "creationTimestamp": old["creationTimestamp"]}
        body = {
            "metadata": metadata,
            **{k: v for k, v in obj.items() if k not in ("kind", "apiVersion", "metadata")},
        }
        if before is not None:
            metadata["resourceVersion"] = str(before.revision)
            if (encoded := _encode(body)) == before.body or _decode(encoded) == before.read():
                return {"kind": resource.kind, "apiVersion": obj["apiVersion"], **before.read()}
        self.revision += 1
        metadata["resourceVersion"] = str(self.revision)
        stored = Stored(
            key,
            namespace,
            given["name"],
            self.revision,
            dict(given.get("labels") or {}),
            fields_of(resource.shelf, body),
            _encode(body),
        )
        self._record(shelf, "ADDED" if before is None else "MODIFIED", stored, before, now)
        return {"kind": resource.kind, "apiVersion": obj["apiVersion"], **stored.read()}

    def delete(self, shelf_name: str, namespace: str, name: str) -> bool:
        """Removes at once, without grace; False when there is no such object. `shelf_name` is as in
        resources.py: `pods`, `deployments.apps`."""
        shelf = self.shelf(shelf_name)
        before = shelf.current.get(f"{namespace}/{name}" if namespace else name)
        if before is None:
            return False
        self.revision += 1
        self._record(shelf, "DELETED", before.at_revision(self.revision), before, self.clock())
        return True

    def _record(self, shelf: Shelf, type_: str, stored: Stored, before: Stored | None, now: datetime) -> None:
        shelf.record(Change(stored.revision, type_, now.timestamp(), stored, before))
        if len(shelf.log) > self.history_changes:
            shelf.forget(shelf.log[len(shelf.log) // 8].revision)

    def _uid(self, resource: Resource, key: str) -> str:
        digest = blake2b(
            f"{self.seed}/{resource.shelf}/{key}/{self.revision}".encode(), digest_size=16
        ).digest()
        return str(UUID(bytes=digest, version=4))

    # Forgetting

    def compact(self, revision: int | None = None) -> int:
        """Forgets every change up to `revision` (default: all of them). Watches that are open live on;
        watches, continue tokens and exact lists from before it are expired. Returns the revision compacted
        to."""
        at = self.revision if revision is None else min(revision, self.revision)
        for shelf in self._shelves.values():
            shelf.forget(at)
        return at

    def age(self) -> None:
        """Forgets what is older than `history_s`; the cluster's clockwork calls it."""
        limit = (self.clock() - timedelta(seconds=self.history_s)).timestamp()
        for shelf in self._shelves.values():
            while shelf.log and shelf.log[0].at < limit:
                shelf.forget(shelf.log[0].revision)

    # Reading

    def get(self, shelf_name: str, namespace: str, name: str) -> Stored | None:
        return self.shelf(shelf_name).current.get(f"{namespace}/{name}" if namespace else name)

    def all(self, shelf_name: str, by: Selection | None = None) -> list[Stored]:
        """The current objects in key order."""
        found = self.shelf(shelf_name).snapshot(self.revision).items
        return list(found) if by is None else [one for one in found if one.selected(by)]

    def cached_revision(self, shelf_name: str) -> int:
        """What a watch cache would call its version: the last change of this resource, possibly behind the
        counter, never so old that a watch from it is refused."""
        shelf = self.shelf(shelf_name)
        return max(shelf.last, shelf.floor, 1)

    def watch(self, shelf_name: str, by: Selection, since: int | None) -> Watch:
        """Opens a watch; close it with `unwatch`. `since` None starts with every existing object as ADDED. A
        revision from the future waits silently for what comes after it. Raises Expired."""
        shelf = self.shelf(shelf_name)
        watch = Watch(by, after=since if since is not None else self.revision)
        if since is None:
            # No order is promised, and none is given.
            existing = (one for one in shelf.current.values() if one.selected(by))
            for one in sorted(
                existing, key=lambda stored: blake2b(stored.key.encode(), digest_size=4).digest()
            ):
                watch.begin("ADDED", one)
        else:
            if since < shelf.floor:
                raise Expired(since, shelf.floor)
            for change in shelf.log:
                if change.revision > since and (event := seen_by(change, by)) is not None:
                    watch.begin(*event)
        shelf.watches.add(watch)
        return watch

    def unwatch(self, shelf_name: str, watch: Watch) -> None:
        self.shelf(shelf_name).watches.discard(watch)

    @property
    def watches(self) -> list[Watch]:
        return [watch for shelf in self._shelves.values() for watch in shelf.watches]

    def close_watches(self, how: str = "clean") -> int:
        """Ends every open watch and returns how many there were. `how`: `clean` ends the stream as a stopping
        server does, `cut` drops the connection in the middle of a line, `expired` sends an in-stream 410
        first."""
        open_ = self.watches
        for watch in open_:
            watch.end(how)
        return len(open_)


def stamp(t: datetime) -> str:
    """metav1.Time: whole seconds."""
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_stamp(t: datetime) -> str:
    """metav1.MicroTime: always six decimals."""
    return t.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
