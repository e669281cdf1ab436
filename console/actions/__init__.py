"""Guarded actions: plan, prove, confirm, do, verify, undo, and never forget.

A command goes key -> pane -> action -> guards -> the target's client -> outside system, and the audit journal stands
beside every step: what was about to be done is on disk before the first byte goes out, so no audit means no action. What
became of an operation is derived from that journal alone, never from what this process remembers, because the process is
what may have died. Nothing here imports textual or anything of the face; a session that was not handed the capability to
act cannot reach this room, and hiding a key is no guard.

This version has the journal (`audit/`) and nothing that acts.
"""
