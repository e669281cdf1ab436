"""Kubernetes, written to: one hand a cluster. Requests are PATCH with JSON-patch tests and POST of evictions, because those
carry their preconditions in them and aiohttp never sends them twice by itself.
"""
