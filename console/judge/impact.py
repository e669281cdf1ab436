"""How much a bad channel matters: what the fleet is sorted by. A score, never a state: states come from findings."""

from __future__ import annotations

from console.model.finding import ChannelVerdict
from console.model.severity import Severity

_WEIGHT = {Severity.OK: 0.0, Severity.UNKNOWN: 5.0, Severity.WARN: 20.0, Severity.CRIT: 60.0}
_TIER = {1: 4.0, 2: 2.0, 3: 1.0, 4: 0.5}
DOWN_WEIGHT = 100.0
UNKNOWN_VIEWERS = 1.0  # without a viewer count the order falls back to badness and tier


def health(verdict: ChannelVerdict) -> float:
    """0..100: 100 minus the worst layer's weight, minus a quarter of the other layers'."""
    by_layer: dict[str, float] = {}
    for finding in verdict.findings:
        weight = DOWN_WEIGHT if finding.code == "DOWN" else _WEIGHT[finding.severity]
        layer = finding.layer.value
        by_layer[layer] = max(by_layer.get(layer, 0.0), weight * finding.confidence)
    if not by_layer:
        return 100.0 - _WEIGHT[verdict.severity]
    top = max(by_layer.values())
    return 100.0 - min(100.0, top + 0.25 * (sum(by_layer.values()) - top))


def impact(verdict: ChannelVerdict, viewers: float | None, tier: int) -> float:
    """viewers x (1 - health/100) x the tier's weight."""
    crowd = viewers if viewers is not None and viewers > 0 else UNKNOWN_VIEWERS
    return crowd * (1.0 - health(verdict) / 100.0) * _TIER.get(tier, 1.0)
