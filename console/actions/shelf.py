"""Plans on disk, so that `act run --plan` and a resumed operation use the very plan that was confirmed.

The journal holds the hash and what is needed to take an operation back; the bytes of its writes are here, 0600, and are
believed only when they hash to what the journal says.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from console.actions.plan import Plan
from console.config.paths import made

KEPT = timedelta(days=7)
MAX_BYTES = 4 * 1024 * 1024


class NoSuchPlan(Exception):
    """No plan of this hash (or operation) can be had; says why."""


class Shelf:
    """One directory of plans. Every method blocks on the disk: call them in a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, plan: Plan) -> None:
        """Kept under its operation's id. Raises OSError."""
        directory = made(self._directory)
        descriptor, temporary = tempfile.mkstemp(dir=directory, prefix=".plan-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.encode(plan))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, directory / f"{plan.op}.json")
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def of_operation(self, operation: str, plan_hash: str) -> Plan:
        """The plan of an operation, if it is still the one that the journal names. Raises NoSuchPlan."""
        plan = self._read(self._directory / f"{operation}.json")
        if plan.hash != plan_hash:
            raise NoSuchPlan(f"the stored plan of {operation} is not the one that was confirmed: its hash differs")
        return plan

    def by_hash(self, begins: str) -> Plan:
        """The plan whose hash is this, or begins with at least eight characters of it. Raises NoSuchPlan."""
        if len(begins) < 8:
            raise NoSuchPlan("a plan is named by at least eight characters of its hash")
        for path in self._paths():
            try:
                plan = self._read(path)
            except NoSuchPlan:
                continue  # a damaged neighbour hides nobody
            if plan.hash.startswith(begins.lower()):
                return plan
        raise NoSuchPlan(f"no plan {begins} is stored here: plan again (midwatch act plan)")

    def sweep(self, now: datetime) -> None:
        """Forget what is older than a week."""
        for path in self._paths():
            if path.stat().st_mtime < (now - KEPT).timestamp():
                path.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        try:
            return sorted(self._directory.glob("*.json"))
        except OSError:
            return []

    def _read(self, path: Path) -> Plan:
        try:
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise NoSuchPlan(f"no stored plan {path.stem}: {error.strerror}") from error
        if len(content) > MAX_BYTES:
            raise NoSuchPlan(f"the stored plan {path.stem} is larger than any plan")
        try:
            return msgspec.json.decode(content, type=Plan)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise NoSuchPlan(f"the stored plan {path.stem} cannot be read: {error}") from error
