"""Arming an engine: config -> catalogue, hands, policy, journal, one `ActionService`. No Textual.

Apart from `assembly`, because an engine without it has nothing that could write: not a client, not a credential. A session
that may only look is built without ever coming here.
"""
