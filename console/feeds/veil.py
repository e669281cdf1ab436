"""Words that a session may not read, and the same texts without them.

What lies in a hidden namespace is left out before any row is made (`sight.py`). But a finding, an operation or a channel has no
namespace and may name what lies in one: the workload that serves it, the pod that answered. Such words are known by the names
in the cluster, and a text is shown with `(hidden)` in their place.

A word is hidden when something in a hidden namespace bears it and nothing in a readable one does; so is one that begins with
the name of a hidden workload and a dash, as its pods of yesterday and tomorrow do. While a cluster has never answered, nobody
can say whose a name is, and then none is shown that is not known to be readable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from console.model.joined import Workloads
from console.model.sight import Sight

HIDDEN = "(hidden)"
KNOWN_TEXTS = 8192
GONE_NAMES = 20_000  # of things that are not there any more, and may still be named
_WORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_TARGET = re.compile(r"\bkube:[^/\s]+/([^/\s]+)/\S+")

V = TypeVar("V")


class Names(msgspec.Struct, frozen=True):
    """What things in hidden and in readable namespaces are called. `stems` are workloads, whose pods are called after them."""

    hidden: frozenset[str] = frozenset()
    hidden_stems: frozenset[str] = frozenset()
    shown: frozenset[str] = frozenset()
    shown_stems: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()  # hidden ones
    is_whole: bool = True  # every cluster has told its pods and deployments once


NOBODY = Names()


def names_of(workloads: Workloads, sight: Sight, before: Names = NOBODY) -> Names:
    """The names of all that is there. What was hidden `before` and is gone keeps being hidden, as far as there is room."""
    hidden: set[str] = set()
    hidden_stems: set[str] = set()
    shown: set[str] = set()
    shown_stems: set[str] = set()
    namespaces: set[str] = set()
    readable: dict[str, bool] = {}

    def is_readable(namespace: str) -> bool:
        known = readable.get(namespace)
        if known is None:
            known = readable[namespace] = sight.reads(namespace)
            if not known and namespace:
                namespaces.add(namespace)
        return known

    owners: tuple[set[str], set[str]] = (set(), set())
    for pod in workloads.pods.values():  # there may be twenty thousand of them
        known = readable.get(pod.namespace)
        is_shown = is_readable(pod.namespace) if known is None else known
        (shown if is_shown else hidden).add(pod.name)
        if pod.service:
            (shown_stems if is_shown else hidden_stems).add(pod.service)
        if pod.owner:
            owners[is_shown].add(pod.owner)
    hidden_stems.update(map(_stem, owners[False]))
    shown_stems.update(map(_stem, owners[True]))
    for deployment in workloads.deployments.values():
        stems = shown_stems if is_readable(deployment.namespace) else hidden_stems
        stems.update(name for name in (deployment.name, deployment.service) if name)
    for event in workloads.events.values():
        if event.kind == "Namespace":
            is_readable(event.regarding)
        elif not is_readable(event.namespace) and event.kind != "Node":
            hidden.add(event.regarding)
    gone = (before.hidden | before.hidden_stems) - hidden - hidden_stems
    if len(gone) <= GONE_NAMES:
        hidden |= before.hidden
        hidden_stems |= before.hidden_stems
        namespaces |= before.namespaces
    shown |= shown_stems
    return Names(
        hidden=frozenset((hidden | hidden_stems) - shown),
        hidden_stems=frozenset(hidden_stems - shown_stems),
        shown=frozenset(shown),
        shown_stems=frozenset(shown_stems),
        namespaces=frozenset(namespaces),
        is_whole=not any(part.endswith((" pods", " deployments")) for part in workloads.unread),
    )


def _stem(owner: str) -> str:
    """ "ReplicaSet/packager-7c9d8b5f6d" -> "packager"; "StatefulSet/db" -> "db"."""
    kind, _, name = owner.partition("/")
    return name.rpartition("-")[0] or name if kind == "ReplicaSet" else name


class Veil:
    """One sight over one state of the cluster. `spared`: words that the channel list itself uses (channels, vantages), which
    have no namespace and are shown whoever else bears them.
    """

    def __init__(self, sight: Sight, names: Names, spared: frozenset[str] = frozenset()) -> None:
        self.sight = sight
        self.names = names
        self.spared = spared
        self._readable: dict[str, bool] = {}
        self._texts: dict[tuple[str, bool], str] = {}

    def reads(self, namespace: str) -> bool:
        """Whether what is in this namespace is shown."""
        known = self._readable.get(namespace)
        if known is None:
            if len(self._readable) >= KNOWN_TEXTS:
                self._readable.clear()
            known = self._readable[namespace] = self.sight.reads(namespace)
        return known

    @property
    def is_clear(self) -> bool:
        """No word is hidden."""
        return self.sight.reads_all_namespaces

    @property
    def is_blind(self) -> bool:
        """Some cluster has never answered: which words are hidden nobody can say, and a sentence may hold any."""
        return not self.is_clear and not self.names.is_whole

    def hides(self, word: str) -> bool:
        """Whether this name is that of something that may not be seen."""
        if self.is_clear:
            return False
        names = self.names
        if word in names.shown:
            return False
        if word in names.hidden:
            return True
        for stem in _heads(word):
            if stem in names.shown_stems:
                return False
            if stem in names.hidden_stems:
                return True
        return False

    def is_known(self, word: str) -> bool:
        """Whether this name is that of something that may be seen, for sure."""
        return self.is_clear or word in self.names.shown or any(stem in self.names.shown_stems for stem in _heads(word))

    def named(self, word: str | None) -> str | None:
        """The name of a workload as it may be told; None when it may not."""
        if not word or self.is_clear:
            return word
        if self.hides(word) or (self.is_blind and not self.is_known(word)):
            return None
        return word

    def text(self, text: str, *, of_cluster: bool = False) -> str:
        """A text without hidden words. `of_cluster`: it was said by a cluster or of one, so that the name of a hidden namespace
        in it means that namespace; elsewhere it may be a word like any other.
        """
        if not text or self.is_clear:
            return text
        key = (text, of_cluster)
        known = self._texts.get(key)
        if known is None:
            if len(self._texts) >= KNOWN_TEXTS:
                self._texts.clear()
            known = self._texts[key] = self._without(text, of_cluster)
        return known

    def is_told_in(self, text: str) -> bool:
        """Whether a text that a cluster said, or its nodes, holds a hidden word."""
        return not self.is_clear and self._without(text, True) != text

    def _without(self, text: str, of_cluster: bool) -> str:
        if "kube:" not in text:
            return self._words(text, of_cluster)
        told, at = [], 0
        for found in _TARGET.finditer(text):  # says itself in which namespace it is
            told.append(self._words(text[at : found.start()], of_cluster))
            told.append(found[0] if self.reads(found[1]) else f"kube:{HIDDEN}")
            at = found.end()
        return "".join((*told, self._words(text[at:], of_cluster)))

    def _words(self, text: str, of_cluster: bool) -> str:
        return _WORD.sub(lambda found: HIDDEN if self._is_hidden(found[0], of_cluster) else found[0], text)

    def _is_hidden(self, word: str, of_cluster: bool) -> bool:
        if word in self.spared:
            return False
        if self.hides(word) or (of_cluster and word in self.names.namespaces):
            return True
        if "." not in word:
            return False
        parts = word.split(".")  # packager.vod.svc.cluster.local
        if any(self.hides(part) for part in parts if part not in self.spared):
            return True
        return "svc" in parts[1:] and parts[parts.index("svc", 1) - 1] in self.names.namespaces

    def of(self, value: V, *, of_cluster: bool = False) -> V:
        """A value of structs, mappings and sequences with every text in it; the same object where nothing is hidden."""
        return value if self.is_clear else self._of(value, of_cluster)

    def _of(self, value: Any, of_cluster: bool) -> Any:
        kind = type(value)
        if kind is str:
            return self.text(value, of_cluster=of_cluster)
        if kind is tuple or kind is list:
            changed = [self._of(each, of_cluster) for each in value]
            return value if _are_same(changed, value) else kind(changed)
        if isinstance(value, Mapping):
            told = {
                self._of(key, of_cluster): self._of(each, of_cluster) for key, each in value.items()
            }
            return value if len(told) == len(value) and all(told.get(k, _NONE) is v for k, v in value.items()) else told
        if isinstance(value, msgspec.Struct):
            changes = {}
            for name in value.__struct_fields__:
                before = getattr(value, name)
                after = self._of(before, of_cluster)
                if after is not before:
                    changes[name] = after
            return msgspec.structs.replace(value, **changes) if changes else value
        return value


_NONE = object()


def _are_same(some: Iterable[Any], others: Iterable[Any]) -> bool:
    return all(map(lambda one, other: one is other, some, others))


def _heads(word: str) -> Iterator[str]:
    """ "a-b-c" -> "a-b-c", "a-b", "a": the longest first, so that `packager-emea` goes before `packager`."""
    yield word
    while (at := word.rfind("-")) > 0:
        word = word[:at]
        yield word
