"""NVIDIA GPUs, by dcgm-exporter: how busy the encoders are, per node or per pod that has the GPU."""

from __future__ import annotations

from console.model.metric import Join
from console.sources.prometheus.packs.pack import Formula, Pack, by

DCGM = Pack(
    name="dcgm",
    presence=("DCGM_FI_DEV_ENC_UTIL",),
    # where Prometheus keeps its own `pod`, the exporter's becomes `exported_pod`; the host when no pod has the GPU
    names=(("exported_pod",), ("pod",), ("Hostname",)),
    join=Join.SERVICE,
    formulas=(Formula("encoder_use", f"max {by('exported_pod', 'Hostname')} (DCGM_FI_DEV_ENC_UTIL) / 100"),),
    trap="of the busiest GPU; a pod belongs to a channel when its name begins with the `transcode` service of the channel",
)
