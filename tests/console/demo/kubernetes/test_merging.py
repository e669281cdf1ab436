"""The three patch formats, apart from HTTP."""

from __future__ import annotations

import pytest

from console.demo.kubernetes import managed, merging
from console.demo.kubernetes.merging import json_patch, merge, strategic
from console.demo.kubernetes.status import ApiError

POD = {"spec": {"containers": [
    {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]},
    {"name": "b", "image": "b:1", "ports": [{"containerPort": 80}]}]}}


def test_a_merge_patch_replaces_lists_and_removes_with_null():
    assert merge({"a": [1, 2], "b": {"c": 1, "d": 2}}, {"a": [3], "b": {"c": None}}) == {"a": [3], "b": {"d": 2}}
    assert merge({"a": 1}, [1]) == [1]


def test_a_strategic_patch_merges_containers_and_env_by_name():
    patch = {"spec": {"containers": [{"name": "a", "env": [{"name": "Y", "value": "3"}]}]}}
    found = strategic(POD, patch)["spec"]["containers"]
    assert [one["name"] for one in found] == ["a", "b"] and found[0]["image"] == "a:1"
    assert found[0]["env"] == [{"name": "X", "value": "1"}, {"name": "Y", "value": "3"}]
    assert POD["spec"]["containers"][0]["env"][1]["value"] == "2"


def test_a_strategic_patch_deletes_and_replaces_where_a_directive_says_so():
    gone = strategic(POD, {"spec": {"containers": [{"name": "a", "$patch": "delete"}]}})
    assert [one["name"] for one in gone["spec"]["containers"]] == ["b"]
    all_new = strategic(POD, {"spec": {"containers": [{"$patch": "replace"}, {"name": "c"}]}})
    assert all_new["spec"]["containers"] == [{"name": "c"}]
    assert strategic({"m": {"a": 1}}, {"m": {"$patch": "replace", "b": 2}}) == {"m": {"b": 2}}


def test_taints_are_merged_by_key_and_conditions_by_type():
    node = {"spec": {"taints": [{"key": "a", "effect": "NoSchedule"}]}, "status": {"conditions": [
        {"type": "Ready", "status": "True"}]}}
    found = strategic(node, {"spec": {"taints": [{"key": "b", "effect": "NoExecute"}]},
                             "status": {"conditions": [{"type": "Ready", "status": "False"}]}})
    assert {one["key"] for one in found["spec"]["taints"]} == {"a", "b"}
    assert found["status"]["conditions"] == [{"type": "Ready", "status": "False"}]


def test_an_element_without_its_merge_key_is_a_500():
    with pytest.raises(ApiError) as refused:
        strategic(POD, {"spec": {"containers": [{"image": "x"}]}})
    assert refused.value.code == 500 and "merge key: name" in str(refused.value)


@pytest.mark.parametrize(("operation", "expected"), [
    ({"op": "add", "path": "/a/-", "value": 3}, {"a": [1, 2, 3], "m/n": {"~": 0}}),
    ({"op": "add", "path": "/a/0", "value": 3}, {"a": [3, 1, 2], "m/n": {"~": 0}}),
    ({"op": "remove", "path": "/a/1"}, {"a": [1], "m/n": {"~": 0}}),
    ({"op": "replace", "path": "/m~1n/~0", "value": 5}, {"a": [1, 2], "m/n": {"~": 5}}),
    ({"op": "move", "from": "/a/0", "path": "/b"}, {"a": [2], "m/n": {"~": 0}, "b": 1}),
    ({"op": "copy", "from": "/a", "path": "/b"}, {"a": [1, 2], "m/n": {"~": 0}, "b": [1, 2]}),
    ({"op": "test", "path": "/a", "value": [1, 2]}, {"a": [1, 2], "m/n": {"~": 0}}),
    ({"op": "test", "path": "/none", "value": None}, {"a": [1, 2], "m/n": {"~": 0}}),
])
def test_json_patch_operations(operation, expected):
    assert json_patch({"a": [1, 2], "m/n": {"~": 0}}, [operation]) == expected


@pytest.mark.parametrize("operation", [
    {"op": "test", "path": "/none/of/it", "value": None},
    {"op": "test", "path": "/a", "value": True}, {"op": "test", "path": "/a", "value": "1"},
    {"op": "remove", "path": "/b"}, {"op": "replace", "path": "/b", "value": 1}, {"op": "add", "path": "/b/c", "value": 1},
    {"op": "add", "path": "a", "value": 1}, {"op": "nonsense", "path": "/a"}, {"op": "add"}, {"op": "remove", "path": ""},
    {"op": "copy", "from": 3, "path": "/a"},
])
def test_an_operation_that_does_not_apply_is_the_422_without_details_and_nothing_is_changed(operation):
    document = {"a": 1}
    with pytest.raises(ApiError) as refused:
        json_patch(document, [{"op": "add", "path": "/new", "value": 1}, operation])
    assert (refused.value.code, refused.value.body["details"]) == (422, {})
    assert document == {"a": 1}


def test_too_many_operations_are_refused():
    with pytest.raises(ApiError) as refused:
        json_patch({}, [{"op": "test", "path": "/a", "value": None}] * (merging.MAX_OPERATIONS + 1))
    assert refused.value.code == 413


def test_a_field_belongs_to_who_set_it_last():
    def written(before, after, manager):
        return managed.entries(before, after, manager, "v1", "2026-01-01T00:00:00Z")

    one = {"metadata": {"labels": {"a": "1"}}, "data": {"x": "1", "y": "1"}}
    one["metadata"]["managedFields"] = written(None, one, "first")
    two = {"metadata": {**one["metadata"]}, "data": {"x": "2", "y": "1"}}
    entries = {entry["manager"]: entry["fieldsV1"] for entry in written(one, two, "second")}
    assert entries["second"] == {"f:data": {"f:x": {}}}
    assert entries["first"]["f:data"] == {".": {}, "f:y": {}}
    assert written(one, one, "second") == one["metadata"]["managedFields"]


@pytest.mark.parametrize("kind", [merging.JSON_PATCH, merging.MERGE_PATCH, merging.STRATEGIC])
def test_a_patch_as_deep_as_a_well_is_a_400(kind):
    for body in (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"[" * 100_000):
        with pytest.raises(ApiError) as refused:
            merging.patched(kind, {"a": {}}, body)
        assert refused.value.code == 400
