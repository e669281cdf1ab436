"""What the platform is asked to be. It arrives as one JSON object in argv, written by the parent's command
line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from console.demo.world.scenario import DURATION_S, GAP_S, SCENARIOS, START_AFTER_S

SERVERS = ("prometheus", "alertmanager-0", "alertmanager-1", "elasticsearch", "kubernetes",
           "origin", "edge-lhr", "edge-syd", "edge-nrt", "edge-iad",
           "cdn", "lb-1", "lb-2", "lb-1-master", "lb-2-master")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    config_out: str
    """Where the console's configuration goes, renamed into place when every port answers. The channels stand
    beside it, in `<its name>.channels.json`."""
    scenario: str = "calm"
    seed: int = 1
    truth_out: str | None = None
    wire_log: str | None = None
    kube_version: Literal["1.20", "1.31"] = "1.31"
    ports: dict[str, int] = {}
    """Server name (SERVERS) to a fixed port on 127.0.0.1; what is not named gets one from the system."""
    start_after_s: float = START_AFTER_S
    duration_s: float = DURATION_S
    gap_s: float = GAP_S
    begun_s: float = 0.0
    """How long ago the story is to have begun when the platform becomes ready, so that whoever wants to see the height of a
    fault need not wait for it."""
    parent_pid: int | None = None
    """Stop when this is no longer the parent process. None: run until a signal."""

    @property
    def channels_out(self) -> Path:
        path = Path(self.config_out)
        return path.with_name(path.name + ".channels.json")

    @property
    def steering_out(self) -> Path:
        """Where what steers the traffic is told: the balancers' ports, the CDN's URL, its token files."""
        path = Path(self.config_out)
        return path.with_name(path.name + ".steering.json")

    @property
    def policy_out(self) -> Path:
        path = Path(self.config_out)
        return path.with_name(path.name + ".policy.toml")

    def token_out(self, holder: str) -> Path:
        path = Path(self.config_out)
        return path.with_name(f"{path.name}.{holder}.token")


def read(raw: str | bytes) -> Settings:
    """Raises ValueError that says which setting is wrong and what would be right."""
    try:
        settings = msgspec.json.decode(raw, type=Settings)
    except msgspec.DecodeError as wrong:
        raise ValueError(f"the platform's settings cannot be read: {wrong}") from wrong
    if settings.scenario not in SCENARIOS:
        raise ValueError(f"no scenario {settings.scenario!r}; there are {', '.join(SCENARIOS)}")
    unknown = sorted(set(settings.ports) - set(SERVERS))
    if unknown:
        raise ValueError(f"ports names {', '.join(unknown)}; the servers are {', '.join(SERVERS)}")
    wrong_ports = sorted(name for name, port in settings.ports.items() if not 0 <= port <= 65535)
    if wrong_ports:
        raise ValueError(f"ports of {', '.join(wrong_ports)} must lie in 0..65535")
    if min(settings.start_after_s, settings.gap_s, settings.begun_s) < 0 or settings.duration_s <= 0:
        raise ValueError("start_after_s, gap_s and begun_s must be at least 0, duration_s above 0 (seconds)")
    return settings
