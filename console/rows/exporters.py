"""The columns whose numbers come from exporters that a site may not have, each with its formula, unit and threshold."""

from __future__ import annotations

from collections.abc import Callable

from console.judge.codes import Code
from console.judge.signal_rules import SIGNAL_RULES, severity
from console.model.cell import NOTHING, Cell, Column, Tone
from console.model.severity import Severity
from console.rows.streams import StreamRow


def number(read: Callable[[StreamRow], float | None], form: str, scale: float = 1.0) -> Callable[[StreamRow], Cell]:
    """A number as it is; `–` where nobody tells it."""

    def cell(row: StreamRow) -> Cell:
        value = read(row)
        return NOTHING if value is None else Cell(format(value * scale, form), sort=value)

    return cell


def judged(
    read: Callable[[StreamRow], float | None], form: str, code: Code, scale: float = 1.0
) -> Callable[[StreamRow], Cell]:
    """A number in the colour of what one value of it is; a finding needs it to stay so."""
    rule = SIGNAL_RULES[code]

    def cell(row: StreamRow) -> Cell:
        value = read(row)
        if value is None:
            return NOTHING
        level = Severity.OK if code is Code.INGEST_FPS else severity(rule, value)
        if code.value in row.codes:
            level = Severity.WARN if level is Severity.OK else level
        return Cell(format(value * scale, form), Tone.NORMAL if level is Severity.OK else Tone.of(level), value)

    return cell


def _fps_of(row: StreamRow) -> float | None:
    return row.signals.fps if row.signals.fps is not None else row.signals.fps_declared


def word(read: Callable[[StreamRow], str | None]) -> Callable[[StreamRow], Cell]:
    """A word as it is."""

    def cell(row: StreamRow) -> Cell:
        value = read(row)
        return Cell(value, sort=value) if value else NOTHING

    return cell


def millis(read: Callable[[StreamRow], float | None]) -> Callable[[StreamRow], Cell]:
    """Seconds as milliseconds."""

    def cell(row: StreamRow) -> Cell:
        value = read(row)
        return NOTHING if value is None else Cell(f"{value * 1000:.0f}ms", sort=value)

    return cell


COLUMNS: tuple[Column[StreamRow], ...] = (
    Column(
        "node",
        "INGEST",
        word(lambda row: row.signals.node),
        "the server that takes the contribution feed; +1: one more does (MediaMTX, nginx-rtmp, OvenMediaEngine, Flussonic)",
        8,
        0,
        20,
    ),
    Column(
        "protocol",
        "PROTO",
        word(lambda row: row.signals.protocol),
        "how the feed comes in: srt, rtmp, rtsp, webrtc (MediaMTX's connections, nginx-rtmp)",
        5,
        0,
        20,
    ),
    Column(
        "rtt",
        "RTT",
        millis(lambda row: row.signals.rtt_s),
        "SRT round trip to the publisher, ms, the worst: srt_conns_ms_rtt (MediaMTX)",
        5,
        0,
        20,
        True,
    ),
    Column(
        "budget",
        "BUDG",
        judged(lambda row: row.signals.latency_budget, ".1f", Code.SRT_BUDGET),
        "SRT latency in round trips: tsbpd delay / RTT, for 10 s; < 4 WARN, < 2.5 CRIT (MediaMTX)",
        4,
        0,
        24,
        True,
    ),
    Column(
        "drop",
        "DROP%",
        judged(lambda row: row.signals.drop_ratio, ".2f", Code.SRT_DROP, 100),
        "packets lost for good, %: rate(drop) / rate(received + drop), for 10 s; > 0 WARN, > 0.1 CRIT (MediaMTX SRT)",
        5,
        0,
        20,
        True,
    ),
    Column(
        "loss",
        "LOSS%",
        number(lambda row: row.signals.loss_ratio, ".2f", 100),
        "packets sent again and recovered, %: rate(loss) / rate(received + loss); for information, never judged (MediaMTX SRT)",
        5,
        0,
        24,
        True,
    ),
    Column(
        "reconnects",
        "RECO",
        judged(lambda row: row.signals.reconnects, ".0f", Code.INGEST_RECONNECTS),
        "changes of the publisher in 5 min; >= 2 WARN, >= 4 CRIT (MediaMTX, nginx-rtmp, [measures] ingest_reconnects)",
        4,
        0,
        24,
        True,
    ),
    Column(
        "fps",
        "FPS",
        judged(_fps_of, ".0f", Code.INGEST_FPS),
        "frames/s: measured ([measures] ingest_fps), else as declared (nginx-rtmp); off by > 5 % WARN, > 20 % CRIT for 10 s",
        4,
        0,
        21,
        True,
    ),
    Column(
        "speed",
        "SPEED",
        judged(lambda row: row.signals.speed, ".2f", Code.TRANSCODE_SLOW),
        "media seconds out / wall seconds, for 15 s; < 1.00 WARN, < 0.95 CRIT ([measures] transcode_speed)",
        5,
        0,
        21,
        True,
    ),
    Column(
        "encoder",
        "ENC%",
        number(lambda row: row.signals.encoder_use, ".0f", 100),
        "use of the busiest GPU encoder of its transcoder, %: max DCGM_FI_DEV_ENC_UTIL; over 80 there is no reserve (dcgm)",
        4,
        0,
        24,
        True,
    ),
    Column(
        "hit",
        "HIT%",
        number(lambda row: row.signals.hit_ratio, ".0f", 100),
        "requests answered from the cache of its edges' hosts, the worst, %: rate(hit + stale) / rate(all) (nginx-vts)",
        4,
        0,
        22,
        True,
    ),
    Column(
        "ttfb",
        "TTFB",
        millis(lambda row: row.signals.ttfb_s),
        "first byte at the edges, p95 (an edge's metrics)",
        5,
        0,
        22,
        True,
    ),
    Column(
        "failures",
        "VSF%",
        number(lambda row: row.signals.start_failures, ".1f", 100),
        "start failures / attempts, % (a player analytics exporter)",
        4,
        0,
        22,
        True,
    ),
)
