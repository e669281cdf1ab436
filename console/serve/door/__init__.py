"""Who somebody is, and who is kept out: the door of `midwatch serve`.

A listener (listening, door), a connection (connection) and what decides about it: keys and certificates alone, bound to a name
(trust over keyring, keyline, certificates, krl, revoked), from files that nobody else can write (modes), under a host key that
nobody else can read (hostkey). Bounded in number before anybody is known (halfopen) and recorded within bounds (recorder,
ledger): a flood makes one record with a count.

What must not be done here: take a name, a role or an environment from a client that no key has proven; know what sessions do.
"""
