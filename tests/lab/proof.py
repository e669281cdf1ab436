"""What a test of the lab measured, kept for `make proof` when LAB_PROOF_DIR is set; without it nothing is written.

A figure is asserted by whoever measured it: `record` fails when one missed its goal, after having written it down.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

FOLDER = "LAB_PROOF_DIR"
Figure = dict[str, Any]


def figure(name: str, value: float, unit: str, least: float | None = None, most: float | None = None) -> Figure:
    """One number with its goal; without limits it is told only, and its `ok` is None."""
    limits = [f">= {least:g}"] if least is not None else []
    limits += [f"<= {most:g}"] if most is not None else []
    is_ok = (least is None or value >= least) and (most is None or value <= most)
    return {
        "name": name,
        "value": round(value, 3),
        "unit": unit,
        "goal": " and ".join(limits) or "told only",
        "ok": is_ok if limits else None,
    }


def record(part: str, what: str, *figures: Figure) -> None:
    """Write the part down and say it; AssertionError when a figure missed its goal."""
    for each in figures:
        print(f"{part}: {each['name']} {each['value']:g} {each['unit']} ({each['goal']})")
    folder = os.environ.get(FOLDER)
    if folder:
        document = {"what": what, "figures": list(figures)}
        Path(folder, f"{part}.json").write_text(json.dumps(document, indent=1) + "\n")
    missed = [each for each in figures if each["ok"] is False]
    assert not missed, missed
