"""A pane with its worst rows only. A site has twenty thousand pods of which a dozen are not well: no text and no picture shows
the others, and redacting them would cost whoever else this process serves a second.
"""

from __future__ import annotations

from typing import Any

import msgspec

from console.model.severity import Severity
from console.rows import lines
from console.rows.pane import Pane

ROWS = 120  # more than the highest picture has lines
LINES = 200


def worst_of(pane: Pane[Any], most: int | None = None) -> Pane[Any]:
    """All rows that are not well (`most` of them), so that they are counted right, or the first ROWS; of a log the newest
    lines. Rows are sorted by how bad they are.
    """
    if pane.name == lines.VIEW:
        return msgspec.structs.replace(pane, rows=pane.rows[-LINES:])
    bad = next((at for at, row in enumerate(pane.rows) if getattr(row, "severity", None) is Severity.OK), len(pane.rows))
    kept = pane.rows[: max(bad if most is None else min(bad, most), ROWS)]
    return msgspec.structs.replace(pane, rows=kept, findings=pane.findings[:ROWS], children=pane.children[:ROWS])
