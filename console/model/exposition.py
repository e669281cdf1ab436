"""The words between `midwatch probe --metrics` and whoever reads it from Prometheus, another console among them.

One shard of probers tells what it judged; a console far away tells the same verdicts without having asked a single playlist.
What a verdict needs is here and nothing that grows without bound: a finding is a series only while it lasts, its reason
carries no number that changes, and its value is when it began.

Prometheus ends the series of a target whose scrape fails, but what was pushed to it, and what a store behind it holds, goes on
for five minutes after the last sample. So every shard tells when it last judged (`JUDGED`), and whoever reads the rest believes
it only as far as that is fresh.
"""

from __future__ import annotations

from console.model.severity import Severity

PREFIX = "midwatch_"
JUDGED = "midwatch_judged_timestamp_seconds"  # {shard}: when its verdicts were made, by its own clock
SHARD = "midwatch_shard_channels"  # {shard}: how many channels are this shard's
LAG = "midwatch_prober_poll_lag_seconds"  # {shard}: how late the latest of its polls of the last second was
POLLS = "midwatch_prober_polls"  # {shard}: how many it made in that second
SEVERITY = "midwatch_channel_severity"  # {channel, shard}: see SEVERITY_VALUES
STATE = "midwatch_channel_info"  # {channel, shard, mark, reason} 1: what a word says and a number cannot
WATCHED = "midwatch_channel_watched_seconds"  # how long every expected playlist has been watched
SETTLED = "midwatch_channel_settled"  # 1 once silence is a verdict (watched for 1.5 T)
TARGET = "midwatch_channel_target_duration_seconds"
AGE = "midwatch_channel_worst_age_target_durations"  # of the worst rendition and vantage; over 1.5 is STALE
LATENCY = "midwatch_channel_latency_seconds"
RENDITIONS = "midwatch_channel_renditions"  # {which="ok"|"expected"}
FINDING = "midwatch_finding_first_seen_timestamp_seconds"
# {channel, shard, code, rendition, layer, vantage, vantages, severity, spec_ref, reason}: while it lasts, when it began

SEVERITY_VALUES = {Severity.OK: 0.0, Severity.WARN: 1.0, Severity.CRIT: 2.0, Severity.UNKNOWN: -1.0}
EVERYTHING = f'{{__name__=~"{PREFIX}(channel|finding|judged|shard|prober)_.+"}}'  # one question for all of it


def constant(reason: str) -> str:
    """A reason without what was measured: "1080p stale at 3 of 4 edges", so that a series lasts as long as its fault."""
    return reason.partition(": ")[0][:200]
