"""The sources: every backend, how fresh, and what midwatch costs it."""

from __future__ import annotations

from console.rows import sources as rows
from views.tables import TablePane


class SourcesPane(TablePane):
    """One row a source."""

    VIEW = rows.VIEW
    KEY = "9"
    TITLE = "Sources"
    COLUMNS = rows.COLUMNS
    EMPTY = "no source has been started"
