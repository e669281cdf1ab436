"""Alertmanager, written to: silences, posted and expired. POST has no identity of its own, so ours stands in the comment."""
