"""A server that takes in contributions, asked itself and not by way of a metrics store."""

from __future__ import annotations

from console.config.backend import Backend
from console.config.kinds import Seconds


class IngestServer(Backend, frozen=True, kw_only=True):
    """`[sites.X.ingest.NAME]`: the statistics of one nginx-rtmp (`rtmp_stat all`). Its `url` is that of the XML page."""

    timeout_s: Seconds = 5.0
    period_s: Seconds = 5.0
