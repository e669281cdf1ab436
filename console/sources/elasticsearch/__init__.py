"""Elasticsearch: a tail that loses no line silently, counts by level, and doctor's questions.

Elasticsearch has no tail. Shards become visible independently of each other, so asking for what is newer than
the last line loses documents; `tail` asks with an overlap, remembers ids and accounts for every line.
Documents are decoded straight from the bytes (`client` hands bytes through the official client), field names
are a mapping (`fields`).

What must not be done here: import elasticsearch or aiohttp at module level (300 ms), ask without a time
range, or count with `terminate_after` (a count that stops early is no count).
"""
