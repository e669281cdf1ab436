"""Revisions: which ReplicaSet stands for a template, what number it bears, and what its hash is called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from console.demo.kubernetes import objects
from console.demo.kubernetes.estate import Estate
from console.demo.world.names import suffix, template_hash

Object = dict[str, Any]
HASH = "pod-template-hash"
REVISION = "deployment.kubernetes.io/revision"
HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED = "deployment.kubernetes.io/desired-replicas"
MAX = "deployment.kubernetes.io/max-replicas"
_OWN = (REVISION, HISTORY, DESIRED, MAX, "kubectl.kubernetes.io/last-applied-configuration",
        "deprecated.deployment.rollback.to")


def bare(template: Mapping[str, Any]) -> Object:
    """A template without its hash, and without what says nothing."""
    meta = dict(template.get("metadata") or {})
    labels = {k: v for k, v in (meta.pop("labels", None) or {}).items() if k != HASH}
    meta.pop("creationTimestamp", None)
    annotations = meta.pop("annotations", None) or {}
    return {"metadata": {**meta, "labels": labels, "annotations": annotations}, "spec": template.get("spec")}


def same_template(one: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    return bare(one["spec"]["template"]) == bare(template)


def template_hash_of(estate: Estate, deployment: Object) -> str:
    """The story's hash for a template the story knows, so that an undo by either finds the other's set."""
    meta, template = deployment["metadata"], deployment["spec"]["template"]
    known = estate.known(meta["namespace"], meta["name"])
    if known is not None:
        version = template["spec"]["containers"][0]["image"].rpartition(":")[2]
        if bare(objects.template(known, version)) == bare(template):
            return template_hash(estate.world.seed, known.name, version)
    return suffix(f"{meta['uid']}/{json.dumps(bare(template), sort_keys=True)}", 10)


def revision_of(one: Mapping[str, Any]) -> int:
    text = (one["metadata"].get("annotations") or {}).get(REVISION, "0")
    return int(text) if text.isdigit() else 0


def inherited(meta: Mapping[str, Any]) -> dict[str, str]:
    """What a set copies of its deployment's annotations."""
    return {k: v for k, v in (meta.get("annotations") or {}).items() if k not in _OWN}


def revised(one: Object, revision: int, meta: Mapping[str, Any]) -> bool:
    """Puts the newest revision number and the deployment's annotations on a set that is found again."""
    before = dict(one["metadata"].get("annotations") or {})
    after = {**before, **inherited(meta)}
    old = revision_of(one)
    if old < revision:
        after[REVISION] = str(revision)
        if old:
            after[HISTORY] = f"{before[HISTORY]},{old}" if before.get(HISTORY) else str(old)
    one["metadata"]["annotations"] = after
    return after != before
