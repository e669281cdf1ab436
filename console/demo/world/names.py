"""What exists on the platform: regions, channels, vantages, nodes, deployments and the names of their pods.

One table for all servers, because a log line, a pod and a metric can only be joined when they spell the same
name.
"""

from __future__ import annotations

from hashlib import blake2b

import msgspec

TARGET_DURATION_S = 4
RENDITIONS = ("1080p", "720p", "540p", "360p", "240p")
REGIONS = ("apac", "emea", "amer")
NAMESPACES = ("live", "vod", "platform")
CLUSTER = "demo-1"
NODES_PER_REGION = 8
LOG_INDEX = "logs-video-default"


class Channel(msgspec.Struct, frozen=True):
    """A 24/7 channel. `index` is its place within its region and so the index of its packager pod."""

    name: str
    region: str
    tier: int
    """1 for what a crowd watches at one moment (sport, footy, cricket, futbol), else 2."""
    index: int
    audience: int
    """Viewers at the top of the daily wave."""
    pops: tuple[tuple[str, float], ...]
    """(pop, share of the viewers); the shares sum to 1."""
    declared_bps: int
    """What the contribution encoder promised to send."""

    @property
    def packager(self) -> str:
        return f"packager-{self.region}"

    @property
    def transcoder(self) -> str:
        return f"transcoder-{self.region}"


class Vantage(msgspec.Struct, frozen=True):
    """A place a channel is fetched from. `pop` and `cdn` are None at the origin; `service` is its
    deployment."""

    name: str
    layer: str
    host: str
    service: str
    region: str
    cdn: str | None = None
    pop: str | None = None
    capacity_bps: float = 0.0


class Node(msgspec.Struct, frozen=True):
    name: str
    region: str
    index: int


class Deployment(msgspec.Struct, frozen=True):
    """A deployment in calm. `region` None means its pods stand in all regions in turn; the deployment's own
    `topology.kubernetes.io/region` label is then left out, the pods still carry theirs."""

    namespace: str
    name: str
    replicas: int
    image: str
    """Repository without the tag, as in `registry.midwatch.test/video/packager`."""
    version: str
    """The image tag in calm."""
    region: str | None = None

    @property
    def service(self) -> str:
        return self.name


def _digest(*parts: object) -> bytes:
    return blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest()


def _channel(name: str, region: str, index: int, audience: int,
             pops: tuple[tuple[str, float], ...]) -> Channel:
    tier = 1 if any(word in name for word in ("sport", "footy", "cricket", "futbol")) else 2
    return Channel(name, region, tier, index, audience, pops, 9_000_000 if tier == 1 else 6_500_000)


_SYD = (("syd", 0.85), ("nrt", 0.15))
_NRT = (("nrt", 0.80), ("syd", 0.20))
_LHR = (("lhr", 0.90), ("iad", 0.10))
_IAD = (("iad", 0.92), ("lhr", 0.08))
# The three stale edges of `edge-stale` must matter to a sports channel that the whole world watches.
_WORLD = (("lhr", 0.78), ("syd", 0.08), ("nrt", 0.06), ("iad", 0.08))

CHANNELS: tuple[Channel, ...] = (
    _channel("syd-news-2", "apac", 0, 45_000, _SYD),
    _channel("jp-music-1", "apac", 1, 70_000, _NRT),
    _channel("au-footy-1", "apac", 2, 160_000, _SYD),
    _channel("in-cricket-1", "apac", 3, 980_000, _NRT),
    _channel("kr-drama-1", "apac", 4, 110_000, _NRT),
    _channel("uk-sport-1", "emea", 0, 420_000, _WORLD),
    _channel("uk-news-1", "emea", 1, 90_000, _LHR),
    _channel("fr-news-1", "emea", 2, 60_000, _LHR),
    _channel("de-cine-1", "emea", 3, 40_000, _LHR),
    _channel("us-sport-1", "amer", 0, 610_000, _IAD),
    _channel("us-news-1", "amer", 1, 140_000, _IAD),
    _channel("br-futbol-1", "amer", 2, 350_000, _IAD),
)
CHANNEL = {channel.name: channel for channel in CHANNELS}


def _edge(pop: str, region: str, capacity_bps: float) -> Vantage:
    name = f"edge-{pop}"
    return Vantage(name, "edge", f"{name}.midwatch.test", name, region, "own", pop, capacity_bps)


ORIGIN = Vantage("origin", "origin", "origin.midwatch.test", "origin", "emea")
EDGES: tuple[Vantage, ...] = (
    _edge("lhr", "emea", 3.2e12),
    _edge("syd", "apac", 2.8e12),
    _edge("nrt", "apac", 6.0e12),
    _edge("iad", "amer", 6.4e12),
)
VANTAGES: tuple[Vantage, ...] = (ORIGIN, *EDGES)
VANTAGE = {vantage.name: vantage for vantage in VANTAGES}
POPS = tuple(edge.pop for edge in EDGES if edge.pop is not None)

NODES: tuple[Node, ...] = tuple(
    Node(f"{region}-node-{index + 1:02d}", region, index)
    for region in REGIONS
    for index in range(NODES_PER_REGION)
)

_REGISTRY = "registry.midwatch.test/video"


def _deployments() -> tuple[Deployment, ...]:
    def one(namespace: str, name: str, replicas: int, version: str, region: str | None = None,
            image: str | None = None) -> Deployment:
        return Deployment(namespace, name, replicas, f"{_REGISTRY}/{image or name}", version, region)

    transcoders = {"apac": 40, "emea": 36, "amer": 28}
    platform = {
        "redis": (6, "7.2.4"), "kafka": (9, "3.7.0"), "drm-license": (12, "5.1.0"),
        "session-api": (14, "9.4.2"), "entitlement-api": (10, "4.0.7"), "cmcd-collector": (9, "1.6.0"),
        "scheduler": (6, "2.2.9"),
        "log-shipper": (12, "8.14.1"), "ingress": (8, "1.10.1"), "config-api": (2, "1.3.3"),
    }
    return (
        *(one("live", f"packager-{region}", sum(c.region == region for c in CHANNELS), "3.8.1", region,
              "packager")
          for region in REGIONS),
        *(one("live", f"transcoder-{region}", transcoders[region], "6.0.3", region, "transcoder")
          for region in REGIONS),
        one("live", "origin", 12, "2.14.0"),
        *(one("live", edge.name, 16, "4.7.2", edge.region, "edge") for edge in EDGES),
        one("vod", "vod-encoder", 96, "2.9.0"),
        one("vod", "vod-api", 24, "1.22.5"),
        *(one("platform", name, replicas, version) for name, (replicas, version) in platform.items()),
    )


DEPLOYMENTS: tuple[Deployment, ...] = _deployments()
DEPLOYMENT = {deployment.name: deployment for deployment in DEPLOYMENTS}
POD_COUNT = sum(deployment.replicas for deployment in DEPLOYMENTS)

# Kubernetes draws name suffixes from this alphabet, without vowels and look-alikes.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"


def _safe(data: bytes, length: int) -> str:
    return "".join(_SAFE[byte % len(_SAFE)] for byte in data[:length])


def suffix(what: str, length: int = 5) -> str:
    """The tail of a generated name, drawn from `what`."""
    return _safe(_digest("suffix", what), length)


def template_hash(seed: int, deployment: str, version: str) -> str:
    """The pod-template-hash of a revision: the same version again is the same ReplicaSet again, as after a
    rollback."""
    return _safe(_digest("template", seed, deployment, version), 10)


def pod_name(seed: int, deployment: str, version: str, index: int, incarnation: int = 0) -> str:
    """Name of the `index`-th replica. `incarnation` counts how often that place was filled anew (rollout,
    eviction): a ReplicaSet that is scaled up again makes new pods under its old hash."""
    tail = _safe(_digest("pod", seed, deployment, version, index, incarnation), 5)
    return f"{deployment}-{template_hash(seed, deployment, version)}-{tail}"


def pod_region(deployment: Deployment, index: int) -> str:
    return deployment.region if deployment.region is not None else REGIONS[index % len(REGIONS)]


def node_name(deployment: Deployment, index: int) -> str:
    """Where the `index`-th replica stands. All five packagers of apac share `apac-node-03`, on purpose: it
    is the placement fault that a drain of that node must reveal. Those of emea stand two and two, so that
    half of its channels go when one node does."""
    region = pod_region(deployment, index)
    if deployment.name == "packager-apac":
        return "apac-node-03"
    spread = index if deployment.region is not None else index // len(REGIONS)
    if deployment.name == "packager-emea":
        spread //= 2
    offset = _digest("node", deployment.name)[0]
    return f"{region}-node-{(spread + offset) % NODES_PER_REGION + 1:02d}"
