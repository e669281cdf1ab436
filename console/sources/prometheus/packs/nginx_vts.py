"""nginx with the vhost traffic status module: what an edge answers from its cache, per server name."""

from __future__ import annotations

from console.model.metric import Join
from console.sources.prometheus.packs.pack import Formula, Pack, by

_HOST = by("host")
_CACHED = 'status=~"hit|stale|updating|revalidated"'

NGINX_VTS = Pack(
    name="nginx-vts",
    presence=("nginx_vts_server_cache_total",),
    names=(("host",),),
    join=Join.HOST,
    formulas=(
        Formula(
            "hit_ratio",
            f'sum {_HOST} (rate(nginx_vts_server_cache_total{{host!="*",{_CACHED}}}[$w])) / '
            f'sum {_HOST} (rate(nginx_vts_server_cache_total{{host!="*"}}[$w]))',
        ),
    ),
    trap="per server name, so channels of one host share it; at the live edge the first miss of a segment is no fault",
)
