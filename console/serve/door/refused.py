"""Why somebody was not let in, or did not get what they asked for."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Why(StrEnum):
    """In words that can be counted by. Those of the first group are never told to the one who is refused."""

    UNKNOWN_PERSON = "unknown_person"
    WRONG_KEY = "wrong_key"
    WEAK_KEY = "weak_key"
    UNREADABLE = "unreadable"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    WRONG_ADDRESS = "wrong_address"
    WRONG_AUTHORITY = "wrong_authority"
    WRONG_PRINCIPAL = "wrong_principal"
    NO_PRINCIPALS = "no_principals"
    HOST_CERTIFICATE = "host_certificate"
    CRITICAL_OPTION = "critical_option"
    REVOKED = "revoked"
    BAD_SIGNATURE = "bad_signature"
    METHOD = "method"  # password, keyboard-interactive, and whatever else is not a key
    TOO_MANY_TRIES = "too_many_tries"
    HALF_OPEN = "half_open"
    TOO_FAST = "too_fast"  # one connection after the other from one address; not heard at all
    NOT_SSH = "not_ssh"
    LATE = "late"  # the time to log in was over
    NO_KEY = "no_key"  # it asked for a person and showed none: it has passwords only
    LEFT = "left"  # the client went before it had said anything

    FULL = "full"
    DRAINING = "draining"
    FORWARDING = "forwarding"
    TUNNEL = "tunnel"
    AGENT = "agent"
    X11 = "x11"
    ENVIRONMENT = "environment"
    CHANNELS = "channels"
    ROLES = "roles"  # of somebody who is here; they may come in again
    SESSION = "session"  # what the hall refuses: a subsystem, a command that is not allowed, a right


class Denial(msgspec.Struct, frozen=True):
    """A refusal with its words. `key` is the fingerprint of what was shown, where anything was."""

    why: Why
    text: str
    key: str = ""
