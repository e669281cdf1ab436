"""A target is read back as it was written, and one that could be taken for another is none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.actions.target import BadTarget, Target, TargetKind, shape

plain = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="/"), min_size=1, max_size=20)
targets = st.sampled_from(TargetKind).flatmap(
    lambda kind: st.tuples(*[plain] * len(shape(kind).split("/"))).map(lambda path: Target(kind, path))
)


@settings(deadline=None)
@given(targets)
def test_what_is_written_is_read_back_the_same(target: Target) -> None:
    assert Target.parse(target.text) == target


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_target_or_is_refused_in_plain_words(text: str) -> None:
    try:
        assert Target.parse(text).text == text
    except BadTarget as wrong:
        assert str(wrong).isascii() and str(wrong).isprintable()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "'' names no target; one is written kube:CLUSTER/NAMESPACE/KIND/NAME"),
        ("kube", "'kube' is not kube:CLUSTER/NAMESPACE/KIND/NAME"),
        ("kube:", "is not kube:"),
        ("kube:apac-1/live/packager", "is not kube:CLUSTER/NAMESPACE/KIND/NAME"),
        ("kube:apac-1/live/deployment/packager/x", "is not kube:"),
        ("kube:apac-1//deployment/packager", "is not kube:"),
        ("node:apac-1/", "is not node:CLUSTER/NAME"),
        ("pod:apac-1/live/packager", "names no target"),
        ("KUBE:apac-1/live/deployment/packager", "names no target"),
        ("kube:apac-1/live/deployment/pack\u0430ger", "<U+0430>ger' holds CYRILLIC SMALL LETTER A"),
        ("kube:pr\u043ed/live/deployment/packager", "holds CYRILLIC SMALL LETTER O"),
        ("kube:apac-1/live/deployment/\u202egakcap", "holds RIGHT-TO-LEFT OVERRIDE"),
        ("kube:apac-1/live/deployment/packager\u200b", "holds ZERO WIDTH SPACE"),
        ("kube:apac-1/live/deployment/pack ager", "holds SPACE"),
        ("kube:apac-1/live/deployment/packager\x1b[2J", "holds U+001B"),
    ],
)
def test_what_is_no_target_says_what_one_looks_like(text: str, expected: str) -> None:
    with pytest.raises(BadTarget) as caught:
        Target.parse(text)
    assert expected in str(caught.value)
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    ("text", "name", "full_name", "cluster", "namespace", "object_kind"),
    [
        ("kube:apac-1/live/deployment/packager", "packager", "apac-1/live/packager", "apac-1", "live", "deployment"),
        ("node:apac-1/w-3", "w-3", "apac-1/w-3", "apac-1", "", "node"),
        ("alert:7f3a", "7f3a", "7f3a", "", "", ""),
        ("haproxy:edge/web/s1", "s1", "edge/web/s1", "", "", ""),
    ],
)
def test_its_parts(text: str, name: str, full_name: str, cluster: str, namespace: str, object_kind: str) -> None:
    target = Target.parse(text)
    assert (target.name, target.full_name) == (name, full_name)
    assert (target.cluster, target.namespace, target.object_kind) == (cluster, namespace, object_kind)


def test_the_error_about_a_long_text_is_short() -> None:
    with pytest.raises(BadTarget) as caught:
        Target.parse("kube:" + "x" * 100_000)
    assert len(str(caught.value)) < 400
