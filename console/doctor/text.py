"""The diagnoses as lines for people: plain text, at most 120 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from console.config.site import Site
from console.doctor.diagnosis import Diagnosis

WIDTH = 120
_HEAD = ("", "BACKEND", "VERSION", "LATENCY", "CLOCK", "")
_COLUMNS = (7, 34, 18, 9, 9)
_INDENT = sum(_COLUMNS[:1]) + 1
NONE = "-"


def table(site_name: str, site: Site, diagnoses: Sequence[Diagnosis]) -> str:
    """All of them, the verdict last."""
    lines = [_row(_HEAD)]
    for diagnosis in diagnoses:
        lines += _lines(diagnosis)
    well = sum(diagnosis.is_well for diagnosis in diagnoses)
    verdict = f"site {site_name}: {well} of {len(diagnoses)} well"
    absent = _absent(site)
    return "\n".join((*lines, "", verdict + (f"; not configured: {', '.join(absent)}" if absent else "")))


def state(diagnosis: Diagnosis) -> str:
    """One word: `silent` is what could not be reached, `lacks` what answers but not with all that is needed."""
    return "ok" if diagnosis.is_well else "lacks" if diagnosis.reachable else "silent"


def _row(cells: Sequence[str]) -> str:
    *fixed, last = cells
    text = " ".join(
        _cut(cell, width).rjust(width) if index in (3, 4) else _cut(cell, width).ljust(width)
        for index, (cell, width) in enumerate(zip(fixed, _COLUMNS, strict=True))
    )
    return f"{text}  {last}".rstrip()


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _lines(diagnosis: Diagnosis) -> Iterator[str]:
    latency = f"{diagnosis.latency_ms:.0f} ms" if diagnosis.latency_ms is not None else NONE
    clock = NONE if diagnosis.skew_s is None else "0 s" if abs(diagnosis.skew_s) < 1 else f"{diagnosis.skew_s:+.0f} s"
    row = (state(diagnosis), diagnosis.name, diagnosis.version or NONE, latency, clock, diagnosis.told)
    whole = _row(row)
    if len(whole) <= WIDTH:
        yield whole
    else:
        yield _row((*row[:-1], ""))
        yield from _wrapped("", diagnosis.told)
    if not diagnosis.is_well:
        yield from _wrapped("at: ", diagnosis.on)
    if diagnosis.is_skewed:
        yield from _wrapped("missing: ", f"its clock is {diagnosis.skew_s:+.0f} s off ours")
    for word, texts in (("missing: ", diagnosis.missing), ("note: ", diagnosis.notes), ("try: ", diagnosis.advice)):
        for text in texts:
            yield from _wrapped(word, text)


def _wrapped(word: str, text: str) -> list[str]:
    begin = " " * (_INDENT + 2) + word
    return textwrap.wrap(text, WIDTH, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False)


def _absent(site: Site) -> list[str]:
    channels = site.channels.files or site.channels.urls or site.channels.inline
    there = {
        "prometheus": site.prometheus,
        "alertmanager": site.alertmanager,
        "elasticsearch": site.elasticsearch,
        "kubernetes": site.kubernetes,
        "channels": channels,
    }
    return [name for name, configured in there.items() if not configured]
