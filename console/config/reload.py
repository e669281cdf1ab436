"""Notices a changed configuration, and keeps the last good one when the new one is broken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from console.config.errors import ConfigError
from console.config.load import load
from console.config.root import Config

_Stamp = tuple[int, int, int]


class ReloadOutcome(msgspec.Struct, frozen=True):
    """What one look at the file brought. `config` is always one that may be used."""

    config: Config
    is_new: bool = False  # `config` differs from the one before
    error: ConfigError | None = None  # the file as it is now is refused; stays until it is mended

    @property
    def mark(self) -> str:
        """One line for the screen; empty when file and configuration agree."""
        if self.error is None:
            return ""
        more = len(self.error.problems) - 1
        return f"configuration refused, the last good one kept: {self.error.problems[0]}" + (
            f" (and {more} more: midwatch config check)" if more else ""
        )


class Reloader:
    """Looks when asked; whoever owns the clock decides how often. One look costs a stat unless the file
    changed.

    Replacing a file by rename, or a whole directory behind a symlink as Kubernetes does, is noticed by the
    inode.
    """

    def __init__(self, path: Path, environ: Mapping[str, str], config: Config) -> None:
        self._path = path
        self._environ = dict(environ)
        self._last = ReloadOutcome(config=config)
        self._seen = self._stamp()

    @property
    def config(self) -> Config:
        """The last good one."""
        return self._last.config

    def check(self) -> ReloadOutcome:
        """The configuration to use from now on."""
        stamp = self._stamp()
        if stamp == self._seen:
            self._last = msgspec.structs.replace(self._last, is_new=False)
            return self._last
        self._seen = stamp
        try:
            config = load(self._path, self._environ)
        except ConfigError as refused:
            self._last = ReloadOutcome(config=self._last.config, error=refused)
        else:
            self._last = ReloadOutcome(config=config, is_new=config != self._last.config)
        return self._last

    def _stamp(self) -> _Stamp | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino)
