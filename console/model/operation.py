"""An operation as views and digests tell of it: derived from the audit, with what this process knows of its progress."""

from __future__ import annotations

from datetime import datetime

import msgspec


class OperationStep(msgspec.Struct, frozen=True):
    """One write of it. `state` is pending, begun, done, failed, unknown or absent."""

    text: str  # "evict kube:apac-1/live/pod/packager-7"
    state: str
    answer: str = ""


class OperationLine(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `state` is the journal's word for it; texts are clean."""

    id: str
    action: str  # deployment.restart
    target: str  # kube:apac-1/live/deployment/packager
    state: str  # planned, awaiting approval, running, succeeded, interrupted, unknown …
    tier: str
    site: str = ""
    by: str = ""
    runs_by: str = ""  # whose hands it is in while this process executes it: who resumed it may be another
    at: datetime | None = None  # planned
    last_at: datetime | None = None
    until: datetime | None = None  # of an acknowledgement
    expires_at: datetime | None = None  # before it is begun: until when it can be confirmed, approved or run
    reason: str = ""
    ticket: str = ""
    incident: str = ""
    plan_hash: str = ""
    steps: tuple[OperationStep, ...] = ()
    done: int = 0
    progress: str = ""  # what it is doing at this moment, when this process executes it
    is_stopping: bool = False
    is_over: bool = False
    is_here: bool = False  # executed by this process
    may_resume: bool = False
    may_undo: bool = False
    ending: str = ""  # why it ended so
    refusal: str = ""
    approved_by: tuple[str, ...] = ()
    stopped_by: str = ""
    stop_reason: str = ""
    undoes: str = ""
    undone_by: str = ""
    irregular: tuple[str, ...] = ()


class Operations(msgspec.Struct, frozen=True):
    """All of the last days, the newest first. `trouble` is why nothing can be recorded (and so nothing done), or why not
    all of the audit could be read.
    """

    lines: tuple[OperationLine, ...]
    trouble: str = ""
