"""The log file of a command that runs for long: where it is, and why it cannot be written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from console.commands.flags import Flags, UsageError
from console.config.paths import log_dir, made
from console.logfile import logged_to


@contextmanager
def logging_to(flags: Flags, environ: Mapping[str, str], name: str) -> Iterator[Path]:
    """Log into the file that was named, else into one of this name in the state directory. Raises UsageError."""
    path = flags.log_file if flags.log_file is not None else log_dir(environ) / name
    with ExitStack() as stack:
        try:
            if flags.log_file is None:
                made(path.parent)
            stack.enter_context(logged_to(path))
        except OSError as wrong:
            raise UsageError(
                f"cannot write the log file {path}: {wrong.strerror or wrong}; name another: --log-file FILE"
            ) from wrong
        yield path
