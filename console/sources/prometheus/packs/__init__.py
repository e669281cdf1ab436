"""Exporters that exist, each as a file of data: by which metric names it is recognised, and which PromQL gives which signal.

The rule: a pack is asked only when one of its names is there (`presence`), each signal is one question for all streams
(`signals`), never one a channel. Where an exporter renamed a metric, the formula says `new or old`, so that a fleet in the
middle of an upgrade is told whole. A formula keeps the labels that name the stream and those that name the place, and no
others; what an exporter cannot tell of a single stream is not told of one. `$w` in a formula is a window of at least four
scrapes, as that exporter is scraped here.

What must not be done here: no thresholds (the judge has them), no code besides the data, no formula that answers 0 where
there is no data.
"""

from console.sources.prometheus.packs.dcgm import DCGM
from console.sources.prometheus.packs.flussonic import FLUSSONIC
from console.sources.prometheus.packs.mediamtx import MEDIAMTX
from console.sources.prometheus.packs.nginx_rtmp import KAYLENDOG, MAURICIOABREU, RFRATTO
from console.sources.prometheus.packs.nginx_vts import NGINX_VTS
from console.sources.prometheus.packs.oven import OVEN
from console.sources.prometheus.packs.pack import Formula, Pack
from console.sources.prometheus.packs.srs import SRS

PACKS: tuple[Pack, ...] = (MEDIAMTX, RFRATTO, KAYLENDOG, MAURICIOABREU, SRS, OVEN, FLUSSONIC, DCGM, NGINX_VTS)

__all__ = ["PACKS", "Formula", "Pack"]
