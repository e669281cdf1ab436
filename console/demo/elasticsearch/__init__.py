"""Elasticsearch 8.15 as a log tail meets it: PIT, search_after, field_caps, counts and histograms over one
log index.

The documents are a pure function of (world, second): `lines` tells them, `index` decides when each becomes
visible (three shards, each refreshed on its own second, so that a document may appear after a younger one),
`dsl` and `search` ask. Nothing is stored but a bounded cache. What this server lacks it refuses with
Elasticsearch's own error shapes; a parameter is never silently ignored where that would change the answer.
Nothing here may import the engine.
"""
