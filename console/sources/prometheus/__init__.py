"""Prometheus, and what speaks its query API (Thanos, Mimir, VictoriaMetrics), through
`prometheus-api-client`.

That library is synchronous, keeps no cap and throws the server's warnings away, so it is led: `pool` runs it
in a few threads and refuses when all of them are stuck, `session` lies under it and bounds, decodes and
remembers what came over the wire, `client` is the async face with a cache. `gauges` and `channels` are the
sources, `questions` serves doctor.

What must not be done here: ask for more points than a screen can show, retry inside the library (`polling`
waits instead), or import requests or the library at module level.
"""
