"""The columns of the streams where there is room: from 180 cells on, each channel tells in its row what its page would.

What is filled stands left of WHY; right of it the columns whose source is an exporter that this site may not have. Those show
`–` and their help says what would fill them. A narrow screen has `streams.COLUMNS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from console.model.cell import NOTHING, Cell, Column, Tone
from console.model.metric import Signals
from console.model.severity import worst
from console.model.spark import spark
from console.rows import exporters, streams
from console.rows.about import SHAPE
from console.rows.streams import StreamRow
from console.rows.units import duration

FROM = 180  # cells of a pane
SHORT_WHY = 40  # cells of WHY where there is more to tell; the line under the table has it in full
RECENT_S = 3600.0  # a change of the last hour may be the cause of something
RATIO_WARN, RATIO_CRIT = 0.8, 1.0  # of fetch time / EXTINF: at 1 a player drains its buffer


def ladder_strip(row: StreamRow) -> Cell:
    """ "1080● 720● 480▲ 360■": each rendition with the shape of its state, so that it is told without colour."""
    if not row.renditions:
        return NOTHING
    text = " ".join(f"{name.removesuffix('p')}{SHAPE[severity]}" for name, severity in row.renditions)
    return Cell(text, Tone.of(worst(severity for _, severity in row.renditions)), text)


def _ratio(row: StreamRow) -> Cell:
    ratio = row.download_ratio
    if ratio is None:
        return NOTHING
    tone = Tone.CRIT if ratio > RATIO_CRIT else Tone.WARN if ratio > RATIO_WARN else Tone.NORMAL
    return Cell(f"{ratio:.2f}", tone, ratio)


def _change(row: StreamRow) -> Cell:
    if row.change is None or row.change_s is None:
        return NOTHING
    tone = Tone.ACCENT if row.change_s < RECENT_S else Tone.DIM
    return Cell(f"{duration(row.change_s)} {row.change.text}", tone, row.change.at.timestamp())


def _trend(row: StreamRow) -> Cell:
    trend = row.rebuffer_trend
    return Cell(spark(trend, 10, lo=0.0, hi=streams.REBUFFER_CRIT), Tone.ACCENT) if trend else NOTHING


def _seconds(read: Callable[[StreamRow], float | None]) -> Callable[[StreamRow], Cell]:
    def cell(row: StreamRow) -> Cell:
        value = read(row)
        return NOTHING if value is None else Cell(duration(value), sort=value)

    return cell


def _narrow(key: str, **changes: int) -> Column[StreamRow]:
    found = next(column for column in streams.COLUMNS if column.key == key)
    return msgspec.structs.replace(found, **changes)


COLUMNS: tuple[Column[StreamRow], ...] = (
    _narrow("channel", width=14),
    _narrow("mark"),
    _narrow("tier"),
    Column("region", "REGION", exporters.word(lambda row: row.region), "the channel's region, as listed", 6, 0, 13),
    _narrow("viewers"),
    _narrow("ingest"),
    _narrow("ladder"),
    Column(
        "strip",
        "RENDITIONS",
        ladder_strip,
        "every rendition, best first: ● fine, ▲ warning, ■ critical, ○ nobody can say (prober)",
        28,
        1,
        8,
    ),
    _narrow("age"),
    Column(
        "target",
        "TD",
        exporters.number(lambda row: row.target_s, "g"),
        "target duration T, s: what every age is measured in (prober)",
        3,
        0,
        12,
        True,
    ),
    Column(
        "window",
        "WIN",
        _seconds(lambda row: row.window_s),
        "the shortest window of its playlists; < 3 T is too short (prober)",
        4,
        0,
        12,
        True,
    ),
    _narrow("latency"),
    Column(
        "download",
        "DL",
        _ratio,
        "fetch time / duration of the newest segment, at the slowest vantage; over 0.8 is slow, over 1 stalls (prober)",
        4,
        0,
        11,
        True,
    ),
    _narrow("rebuffer"),
    Column("trend", "15 m", _trend, "rebuffer ratio over the last 15 minutes (metrics store)", 10, 0, 10),
    _narrow("why", width=60, priority=1),
    Column(
        "change",
        "LAST CHANGE",
        _change,
        "how long ago a workload that serves it last changed, and which (kubernetes; `services` of the channel)",
        26,
        1,
        9,
    ),
    *exporters.COLUMNS,
)

_SIGNALS = frozenset(column.key for column in exporters.COLUMNS)
_NONE = Signals()


def columns_for(rows: Sequence[StreamRow]) -> tuple[Column[StreamRow], ...]:
    """The columns for these rows: what an exporter tells of any of them comes before what is only nice to know, and before a
    long WHY; what nobody tells is the first to go where it is narrow.
    """
    told = [row for row in rows if row.signals != _NONE]
    return _ordered(frozenset(column.key for column in COLUMNS if column.key in _SIGNALS and _is_told(column, told)))


def _is_told(column: Column[StreamRow], rows: Sequence[StreamRow]) -> bool:
    return any(column.cell(row) is not NOTHING for row in rows)


@lru_cache(64)
def _ordered(told: frozenset[str]) -> tuple[Column[StreamRow], ...]:
    if not told:
        return COLUMNS
    return tuple(
        msgspec.structs.replace(column, priority=7)
        if column.key in told
        else msgspec.structs.replace(column, width=SHORT_WHY)
        if column.key == "why"
        else column
        for column in COLUMNS
    )
