"""HLS: what a playlist says, and what changed between two copies of it. Bytes in, facts and remarks out.

A library for HLS builds an object per segment and forgets the copy before; the rules that break in the middle of the night are
about *two* copies (a published segment changed, a number jumped). So this room reads a playlist into parallel lists, reuses
those of the copy before where the bytes are the same, and compares at list speed. It is pure: no I/O, no clock; `now` comes in.
It states what it saw with a number (`console.model.remark`) and leaves it to the judge whether that is a fault.

The input is hostile. Everything is bounded by `limits.py`, the only exception that leaves the room is `PlaylistError`, and
what is told (remarks, facts) holds no credentials, no query strings and nothing but printable ASCII.
It must not import anything of the project but `console.model` and `console.probe.address`.
"""
