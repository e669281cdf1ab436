from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.demo.kubernetes import watch as watch_module
from console.demo.kubernetes.selectors import Selection, label_selector
from console.demo.kubernetes.store import Expired, Store

ALL = Selection()


def config(name, value="1", namespace="ns", **labels):
    return {"kind": "ConfigMap", "apiVersion": "v1",
            "metadata": {"name": name, "namespace": namespace, "labels": labels}, "data": {"v": value}}


def _now():
    return datetime(2026, 1, 1, tzinfo=UTC)


def state(stored):
    return {one.key: one.body for one in stored}


@pytest.fixture
def store(clock):
    return Store(clock)


def test_each_change_has_its_own_version_and_an_unchanged_apply_has_none(store):
    first = store.apply(config("a"))
    again = store.apply(config("a"))
    other = store.apply(config("a", "2"))
    assert again == first
    assert int(other["metadata"]["resourceVersion"]) == int(first["metadata"]["resourceVersion"]) + 1
    assert other["metadata"]["uid"] == first["metadata"]["uid"]


def test_the_order_of_keys_is_no_change(store):
    first = store.apply(config("a"))
    assert store.apply(dict(reversed(config("a").items()))) == first


def test_creation_time_and_uid_belong_to_the_server_once_set(store, clock):
    created = store.apply(config("a"))["metadata"]
    clock.to(100)
    changed = store.apply({**config("a", "2")} | {"metadata": {**config("a")["metadata"], "uid": "mine"}})["metadata"]
    assert (changed["uid"], changed["creationTimestamp"]) == (created["uid"], created["creationTimestamp"])


def test_an_applied_object_cannot_be_changed_from_outside(store):
    given_ = config("a")
    store.apply(given_)["data"]["v"] = "changed"
    given_["data"]["v"] = "changed too"
    store.all("configmaps")[0].read()["data"]["v"] = "and again"
    assert store.all("configmaps")[0].read()["data"]["v"] == "1"


def test_a_kind_without_a_shelf_is_an_error(store):
    with pytest.raises(ValueError, match="no shelf for v1 Gadget"):
        store.apply({"kind": "Gadget", "apiVersion": "v1", "metadata": {"name": "x"}})


def test_what_was_deleted_and_made_again_is_another_object(store):
    first = store.apply(config("a"))["metadata"]["uid"]
    assert store.delete("configmaps", "ns", "a") and not store.delete("configmaps", "ns", "a")
    assert store.apply(config("a"))["metadata"]["uid"] != first


changes = st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["1", "2", None]),
                             st.sampled_from(["x", "y"])), max_size=40)


def make(store, change):
    name, value, label = change
    if value is None:
        store.delete("configmaps", "ns", name)
    else:
        store.apply(config(name, value, app=label))


@settings(max_examples=60, deadline=None)
@given(changes, changes)
def test_a_snapshot_stays_what_it_was_whatever_happens_later(before, after):
    store = Store(_now)
    seen = []
    for change in (*before, *after):
        make(store, change)
        seen.append((store.revision, state(store.all("configmaps"))))
    for revision, expected in seen:
        snapshot = store.shelf("configmaps").snapshot(revision)
        assert state(snapshot.items) == expected and snapshot.keys == sorted(expected)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_list_and_its_watch_rebuild_the_state_for_every_selection(data):
    store = Store(_now)
    selection = data.draw(st.sampled_from([ALL, Selection("ns"), Selection("other"),
                                           Selection(None, label_selector("app=x")),
                                           Selection("ns", label_selector("app!=x"))]))
    for change in data.draw(changes):
        make(store, change)
    since = store.revision
    held = {one.key: one.body for one in store.all("configmaps", selection)}
    early = store.watch("configmaps", selection, since)
    for change in data.draw(changes):
        make(store, change)
    late = store.watch("configmaps", selection, since)
    for opened in (early, late):
        mine, last = dict(held), since
        for type_, stored in opened.take():
            assert stored.revision > last
            last = stored.revision
            assert (type_ == "ADDED") == (stored.key not in mine)
            if type_ == "DELETED":
                del mine[stored.key]
            else:
                mine[stored.key] = stored.body
            assert json.loads(stored.body)["metadata"]["resourceVersion"] == str(stored.revision)
        assert mine == state(store.all("configmaps", selection))


def test_compaction_expires_old_watches_and_snapshots_but_not_open_ones(store):
    old = int(store.apply(config("a"))["metadata"]["resourceVersion"])
    opened = store.watch("configmaps", ALL, old)
    store.apply(config("b"))
    at = store.compact()
    assert at == store.revision
    with pytest.raises(Expired, match="too old resource version"):
        store.watch("configmaps", ALL, old)
    with pytest.raises(Expired):
        store.shelf("configmaps").snapshot(old)
    store.apply(config("c"))
    assert [type_ for type_, _ in opened.take()] == ["ADDED", "ADDED"]
    assert [one.name for _, one in store.watch("configmaps", ALL, at).take()] == ["c"]


def test_the_version_of_the_watch_cache_can_always_be_watched_from(store):
    store.apply(config("a"))
    store.apply({**config("x"), "kind": "Secret"})
    store.compact()
    for shelf in ("configmaps", "secrets", "pods"):
        store.watch(shelf, ALL, store.cached_revision(shelf))


def test_history_ages_away_and_is_bounded_in_number(clock):
    store = Store(clock, history_s=300, history_changes=100)
    first = int(store.apply(config("a"))["metadata"]["resourceVersion"])
    clock.to(299)
    store.age()
    store.watch("configmaps", ALL, first - 1)
    clock.to(301)
    store.age()
    with pytest.raises(Expired):
        store.watch("configmaps", ALL, first - 1)
    for n in range(1000):
        store.apply(config("a", str(n)))
    assert len(store.shelf("configmaps").log) <= 100
    assert store.all("configmaps")[0].read()["data"]["v"] == "999"


async def test_a_watcher_that_does_not_keep_up_is_cut_off(store, monkeypatch):
    monkeypatch.setattr(watch_module, "QUEUE", 10)
    slow = store.watch("configmaps", ALL, store.revision)
    for n in range(11):
        store.apply(config("a", str(n)))
    assert slow.ended == "clean" and len(slow.take()) == 10
