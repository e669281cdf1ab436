"""One service for one engine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from console.acting.witness import HubWitness
from console.actions.audit.journal import Journal
from console.actions.audit.operation import Actor
from console.actions.audit.signing import Checkpoints, signing_key
from console.actions.catalogue import alerts as on_alerts
from console.actions.catalogue import kubernetes as on_kubernetes
from console.actions.catalogue import traffic as on_traffic
from console.actions.locks import Locks
from console.actions.policy.roles import roles_of
from console.actions.policy.watch import Policies
from console.actions.registry import Registry
from console.actions.service import ActionService
from console.actions.shelf import Shelf
from console.actions.target import Target
from console.actions.targets.alertmanager.hand import AlertmanagerHand
from console.actions.targets.haproxy.hand import HaproxyHand
from console.actions.targets.kubernetes.hand import KubeHand
from console.actions.targets.kubernetes.hands import KubeHands
from console.actions.targets.kubernetes.impersonation import Roles
from console.actions.targets.kubernetes.lease import Lease
from console.actions.targets.switch.hand import SwitchHand
from console.actions.tools import Tools
from console.actions.writes import Hand, HaproxyWrite, HttpWrite, KubeWrite, SilenceWrite, Write
from console.assembly import Engine, access, kube_target
from console.config import Config
from console.config.paths import audit_dir, state_dir
from console.config.site import Cluster

ZONE_LABELS = ("topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone")


def armed(
    engine: Engine,
    config: Config,
    environ: Mapping[str, str],
    person: Actor,
    *,
    alone: bool = True,
    impersonates: bool = False,
    journal: Callable[[], Awaitable[Journal]] | None = None,
    host_locks: Path | None = None,
) -> ActionService:
    """The service of this engine's site. Nothing is opened, read or connected yet; the journal is opened at the first
    plan, in the name of `person`, whose process this is.

    `alone`: one person has this process for themselves, so that nobody could approve. `impersonates`: it writes for many
    with credentials of its own, and each request to a cluster is done in the name of the person it is for. `journal`: of a
    process that records more than operations in it, and closes it itself. `host_locks`: where the users of this host keep out
    of each other's way (`locks.HOST`).
    """
    clock = engine.clock
    state = state_dir(environ)
    policies = Policies(Path(config.policy_file) if config.policy_file is not None else None)

    async def roles(who: Actor) -> tuple[str, ...]:
        return roles_of(await policies.current(), who.name, only_roles=who.roles)

    clusters = _hands(engine, config, roles if impersonates else None)
    reach = {name: each.hand for name, each in clusters.items()}
    services = next(iter(clusters.values())).service_labels if clusters else ()
    alertmanager = _alertmanager(engine)
    haproxy = HaproxyHand(engine.site.haproxy) if engine.site.haproxy else None
    switches = _switches(engine)
    registry = Registry(
        (
            *on_kubernetes.actions(reach, services, (*ZONE_LABELS, config.scope.region.kubernetes)),
            *on_alerts.actions(alertmanager),
            *on_traffic.actions(haproxy, switches),
        )
    )
    hands: dict[type[Write], Hand] = {KubeWrite: KubeHands(reach)}
    if alertmanager is not None:
        hands[SilenceWrite] = alertmanager
    if haproxy is not None:
        hands[HaproxyWrite] = haproxy
    if switches is not None:
        hands[HttpWrite] = switches

    def lease(target: Target, operation: str, who: Actor) -> Lease | None:
        found = clusters.get(target.cluster)
        return Lease(found.hand, target, operation, who, clock) if found is not None else None

    async def opened() -> Journal:
        notary = None
        if config.checkpoint_file is not None:
            notary = Checkpoints(Path(config.checkpoint_file), await asyncio.to_thread(signing_key, state))
        return await Journal.open(audit_dir(environ), clock, person, notary=notary)

    tools = Tools(
        registry=registry,
        hands=hands,
        policies=policies.current,
        journal=journal or opened,
        keeps_journal=journal is not None,
        book=engine.book,
        locks=Locks(state / "locks", host_locks),
        shelf=Shelf(state / "plans"),
        witness=HubWitness(engine.hub, clock),
        clock=clock,
        lease=lease,
    )
    return ActionService(tools, engine.name, is_prod=engine.is_prod, alone=alone)


def _alertmanager(engine: Engine) -> AlertmanagerHand | None:
    """By its `write`; one that lets everybody in without any credential has nothing to be kept apart."""
    backend = engine.site.alertmanager
    if backend is None or (backend.write is None and backend.read is not None):
        return None
    return AlertmanagerHand(access(msgspec.structs.replace(backend, read=backend.write)))


def _switches(engine: Engine) -> SwitchHand | None:
    """Those with a `write`, and those that let everybody in. Their headers go with the write alone, filled in."""
    found = {}
    for name, switch in engine.site.switches.items():
        if switch.write is not None or switch.read is None:
            bare = msgspec.structs.replace(switch, headers={})
            reading = access(msgspec.structs.replace(bare, read=switch.read or switch.write))
            found[name] = (switch, reading, access(msgspec.structs.replace(bare, read=switch.write)))
    return SwitchHand(found) if found else None


class _Cluster(msgspec.Struct, frozen=True):
    hand: Any
    service_labels: tuple[str, ...]


def _hands(engine: Engine, config: Config, impersonates: Roles | None) -> dict[str, _Cluster]:
    """Clusters that may be written to: by the `write` of an address, or by the kubeconfig that the engineer uses anyway."""
    found: dict[str, _Cluster] = {}
    for name, backend in engine.site.kubernetes.items():
        if backend.write is None and not _by_kubeconfig(backend):
            continue
        writing = msgspec.structs.replace(backend, read=backend.write)
        target = kube_target(name, writing, config.scope)
        found[name] = _Cluster(KubeHand(target, engine.clock, impersonates=impersonates), target.service_labels)
    return found


def _by_kubeconfig(backend: Cluster) -> bool:
    return not backend.all_urls
