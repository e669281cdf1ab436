"""The file to a `Policy`, or to every reason why not."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path as FilePath

import msgspec

from console.actions.policy.checks import broken
from console.actions.policy.policy import Policy, PolicyError, Written
from console.config.check import walked
from console.config.document import MAX_BYTES, parsed, within_size
from console.config.errors import ConfigError, Path, Problem


def load(path: FilePath) -> Policy:
    """The policy at `path`. Blocks. Raises PolicyError with everything that is wrong: line, key, the nearest known one."""
    return policy_of(path, content_of(path))


def content_of(path: FilePath) -> bytes:
    """The bytes of the file, which must be one that not everybody can write. Raises PolicyError."""
    try:
        # Not blocking: a FIFO in this place must not hold a thread forever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise _refused(path, "is not a regular file")
            if status.st_mode & stat.S_IWOTH:
                raise _refused(path, "can be written by everyone, who could then grant anything; chmod o-w it")
            return within_size(path, opened.read(MAX_BYTES + 1), "policy")
    except ConfigError as wrong:
        raise PolicyError(*wrong.problems) from None
    except (OSError, ValueError) as wrong:
        raise _refused(path, f"cannot read it: {getattr(wrong, 'strerror', None) or wrong}") from wrong


def policy_of(path: FilePath, content: bytes) -> Policy:
    """What these bytes say; `path` is for the errors. Raises PolicyError."""
    problems: list[Problem] = []

    def tell(key: Path, what: str, near: str | None) -> None:
        problems.append(read.problem(key, what, near))

    try:
        read = parsed(path, content)
        checked = walked(Written, read.raw, path.absolute().parent, tell, broken)
        if problems:
            raise ConfigError(problems)
        return msgspec.convert({**checked, "version": hashlib.sha256(content).hexdigest()}, Policy)
    except ConfigError as wrong:
        raise PolicyError(*wrong.problems) from None
    except msgspec.ValidationError as wrong:  # the walk should have met it; never let it pass as a traceback
        raise _refused(path, str(wrong)) from wrong


def _refused(path: FilePath, what: str) -> PolicyError:
    return PolicyError(Problem(str(path), None, "", what))
