from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.demo.kubernetes.selectors import SelectorError, field_selector, fields_of, label_selector

LABELS = {"app": "web", "tier": "a", "topology.kubernetes.io/region": "emea", "n": "5", "empty": ""}


def matches(text):
    return all(one.matches(LABELS) for one in label_selector(text))


@pytest.mark.parametrize(("text", "expected"), [
    ("", True), ("app=web", True), ("app==web", True), ("app = web", True), ("app=db", False), ("app!=db", True),
    ("app!=web", False), ("missing!=x", True), ("app=web,tier=a", True), ("app=web,tier=b", False),
    ("app in (web,db)", True), ("app in (db)", False), ("app notin (db)", True), ("missing notin (db)", True),
    ("missing in (db)", False), ("app", True), ("missing", False), ("!missing", True), ("!app", False),
    ("topology.kubernetes.io/region=emea", True), ("n>4", True), ("n<5", False), ("app>1", False),
    ("empty=", True), ("app=", False), ("empty in (,x)", True), ("app in ( web , db ),!missing", True),
])
def test_label_selectors_select(text, expected):
    assert matches(text) is expected


@pytest.mark.parametrize("text", [
    "a=b=c", "=a", "a in", "a in b", "a in (b", "a in (b c)", "app,", "a~b!", "!", "a>x", "-a=b", "a=b_", ",", "a/b/c=d",
    "(a)", "x" * 64,
])
def test_label_selectors_that_do_not_parse_say_so(text):
    with pytest.raises(SelectorError):
        label_selector(text)


@given(st.text(max_size=40))
def test_any_text_is_a_selector_or_an_error(text):
    for parse in (label_selector, lambda t: field_selector(t, "pods", "Pod")):
        with suppress(SelectorError):
            parse(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("", True), ("metadata.name=x", True), ("metadata.name==x", True), ("metadata.name!=x", False),
    ("spec.nodeName=n1,status.phase=Running", True), ("status.phase!=Running", False), ("spec.nodeName=", False),
    ("status.podIP=", True), (r"metadata.name=x\,y", False), (r"metadata.name!=x\,y", True),
])
def test_field_selectors_select(text, expected):
    body = {"metadata": {"name": "x", "namespace": "ns"}, "spec": {"nodeName": "n1"}, "status": {"phase": "Running"}}
    fields = fields_of("pods", body)
    assert all(one.matches(fields) for one in field_selector(text, "pods", "Pod")) is expected


@pytest.mark.parametrize(("shelf", "text", "said"), [
    ("pods", "spec.image=x", "field label not supported: spec.image"),
    ("deployments.apps", "spec.replicas=1", '"spec.replicas" is not a known field selector: only "metadata.name", '
                                            '"metadata.namespace"'),
    ("pods", "metadata.name", "invalid selector"),
    ("pods", "metadata.name=a=b", "unescaped"),
])
def test_field_selectors_over_other_fields_are_refused(shelf, text, said):
    with pytest.raises(SelectorError, match=said.replace(".", r"\.")):
        field_selector(text, shelf, "X")


def test_the_new_event_api_has_its_own_names_for_the_same_fields():
    (one,) = field_selector("regarding.name=x", "events", "Event", new_events=True)
    assert one.field == "involvedObject.name"
