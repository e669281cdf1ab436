"""Builders of Events, in their two dialects: core/v1 with counts, and the scheduler's with an eventTime."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from console.demo.kubernetes.objects import Object
from console.demo.kubernetes.store import micro_stamp, stamp


def event(
    about: Mapping[str, Any],
    kind: str,
    api_version: str,
    reason: str,
    message: str,
    first: datetime,
    last: datetime,
    count: int,
    component: str,
    host: str = "",
    warning: bool = False,
    field: str = "",
) -> Object:
    """As the kubelet and the controllers write it, through core/v1. `about` is the object's metadata. The
    name carries the nanoseconds of the first occurrence, as client-go makes it, and is the identity of a
    repeated event."""
    nanos = int(first.timestamp() * 1_000_000) * 1000 + sum(message.encode()) % 1000
    where = about.get("namespace") or "default"
    target: Object = {
        "kind": kind,
        "namespace": about.get("namespace", ""),
        "name": about["name"],
        "uid": about["uid"],
        "apiVersion": api_version,
        "resourceVersion": about.get("resourceVersion", ""),
    }
    if field:
        target["fieldPath"] = field
    source = {"component": component} | ({"host": host} if host else {})
    return {
        "kind": "Event",
        "apiVersion": "v1",
        "metadata": {
            "name": f"{about['name']}.{nanos:x}",
            "namespace": where,
            "creationTimestamp": stamp(first),
        },
        "involvedObject": {k: v for k, v in target.items() if v},
        "reason": reason,
        "message": message,
        "source": source,
        "firstTimestamp": stamp(first),
        "lastTimestamp": stamp(last),
        "count": count,
        "type": "Warning" if warning else "Normal",
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    }


def scheduled(about: Mapping[str, Any], node_name: str, at: datetime) -> Object:
    """The scheduler's event is of the new kind: no count, no first or last time, an eventTime instead."""
    found = event(
        about,
        "Pod",
        "v1",
        "Scheduled",
        f"Successfully assigned {about['namespace']}/{about['name']} to {node_name}",
        at,
        at,
        1,
        "",
    )
    del found["count"]
    return found | {
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": micro_stamp(at),
        "action": "Binding",
        "reportingComponent": "default-scheduler",
        "reportingInstance": "default-scheduler-demo-1",
    }
