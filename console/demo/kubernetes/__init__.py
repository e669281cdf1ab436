"""A Kubernetes API server small enough to read: one cluster, `demo-1`, that can be read, watched and written to.

The room is a store with a grammar around it. `store` keeps every object as the JSON it will be sent as, under
one revision counter, with a log of changes per resource; lists, pages and watches are all read off that log,
which is why they agree with each other and expire together. `cluster` derives from the world what the objects
should say at a time and applies it; it never reaches around the store. The HTTP half (`server`, `reading`,
`watching`, `podlog`, `access`, `discovery`, `tables`) speaks in the shapes, statuses and surprises of a real
API server, pinned by recorded traffic under tests/vectors/kubernetes.

Nobody's write is obeyed by the story: `controllers` take over what was written to (`estate` says what that is) and go
by the store, as a real cluster's do; `intervention` is the one place where scenario and client meet.

What must not be done here: importing the engine (its reading of the protocol and ours must be able to
disagree), answering what a real server would refuse, or mutating an object that was already applied.
"""
