"""Outside systems, one room each, every one an async iterator of readings (`model.source.Source`).

A room here asks one kind of system, in its own protocol, at its own pace, and turns what comes back into the
nouns of `model`. It is the first to touch foreign bytes, so it is also where they are bounded (body caps),
decoded once (msgspec structs, no dictionaries past this floor) and cleaned (`sanitise.clean`). What all rooms
need stands beside them, one noun a file: `polling` (a question asked again and again), `backoff`, `breaker`,
`meter` (what we cost the one we ask), `access` (how to reach a backend and prove who we are), `http` (httpx
with caps and our failures).

What must not be done here: no verdicts (judge), no memory of old readings beyond what the question needs
(feeds), nothing that writes to an outside system (actions/targets), and no import of a connector at module
level: httpx, requests, prometheus_api_client and elasticsearch cost 100-300 ms each and are loaded in a
thread on first use.
"""
