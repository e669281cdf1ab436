"""How a pattern of the policy matches, and which patterns are none.

A deny that can never match is a hole, so a pattern over targets is held part by part against the shape of its kind:
`kube:apac-*/live/*` covers every kind and name in that namespace, because a last part `*` stands for all that follows, and
no star reaches across a slash otherwise. What could match nothing is refused when the policy is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from console.actions.target import Target, TargetKind, shape
from console.config.errors import nearest

ALL = "*"
_LONGEST = 200  # characters; a name of Kubernetes has at most 253, a pattern that long was not meant
_ACTION = re.compile(r"[a-z0-9_.*?\[\]!-]+")


def matches_action(patterns: Iterable[str], action: str) -> str | None:
    """The first pattern that covers this action; None when none does."""
    return next((pattern for pattern in patterns if fnmatchcase(action, pattern)), None)


def matches_target(patterns: Iterable[str], target: Target) -> str | None:
    """The first pattern that covers this target; None when none does."""
    return next((pattern for pattern in patterns if _covers(pattern, target)), None)


def matches_name(patterns: Iterable[str], name: str) -> str | None:
    """The first pattern that covers this name of a site, a namespace, an index."""
    return next((pattern for pattern in patterns if fnmatchcase(name, pattern)), None)


def _covers(pattern: str, target: Target) -> bool:
    if pattern == ALL:
        return True
    kind, _, rest = pattern.partition(":")
    if kind != target.kind:
        return False
    parts = rest.split("/")
    if parts[-1] == ALL and len(parts) <= len(target.path):
        return all(map(fnmatchcase, target.path, parts[:-1]))
    return len(parts) == len(target.path) and all(map(fnmatchcase, target.path, parts))


def wrong_action(pattern: str) -> str:
    """What is wrong with a pattern over actions; empty when nothing is."""
    if wrong := wrong_glob(pattern):
        return wrong
    if not _ACTION.fullmatch(pattern):
        return f"`{pattern}` can match no action: they are named noun.verb, in small letters"
    return ""


def wrong_target(pattern: str) -> str:
    """What is wrong with a pattern over targets; empty when nothing is."""
    if wrong := wrong_glob(pattern):
        return wrong
    if pattern == ALL:
        return ""
    word, colon, rest = pattern.partition(":")
    kinds = [str(kind) for kind in TargetKind]
    if not colon or word not in kinds:
        near = nearest(word, kinds)
        hint = f"; did you mean `{near}:`?" if near else ""
        return f"`{pattern}` can match no target: write * for all, or begin with one of {':, '.join(kinds)}:{hint}"
    wanted = shape(TargetKind(word))
    count, parts = len(wanted.split("/")), rest.split("/")
    if not all(parts):
        return f"`{pattern}` has an empty part; {word}:{wanted}"
    if len(parts) > count or (len(parts) < count and parts[-1] != ALL):
        return (
            f"`{pattern}` can match no target: it is {word}:{wanted}, and only a last part * stands for all that follow"
        )
    return ""


def wrong_glob(pattern: str) -> str:
    """What is wrong with any glob; empty when nothing is. Foreign letters are refused, because they look like others."""
    if not pattern:
        return "must not be empty"
    if len(pattern) > _LONGEST:
        return f"is longer than {_LONGEST} characters; is it a pattern?"
    foreign = next((character for character in pattern if not "!" <= character <= "~"), None)
    if foreign is not None:
        return f"holds U+{ord(foreign):04X}, which looks like another character or like none"
    if re.sub(r"\[!?\]?[^\]]*\]", "", pattern).count("["):
        return f"`{pattern}` opens a [ that it does not close"
    return ""
