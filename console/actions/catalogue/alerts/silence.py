"""Silence what is known, and nothing more: the plan shows which alerts it would match before anything is created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

import msgspec

from console.actions.action import About, Draft, NoPlan, Order
from console.actions.audit.operation import Operation, PlannedStep, Tier
from console.actions.guards.words import several
from console.actions.parameters import Parameter, Type
from console.actions.plan import Change, Inverse, PlanStep, Proof
from console.actions.survey import Survey
from console.actions.target import TargetKind
from console.actions.targets.alertmanager.hand import AlertmanagerHand, Told
from console.actions.verdict import Stand, Verdict
from console.actions.writes import SilenceWrite
from console.model.alert import Alert
from console.model.failure import SourceError
from console.sources.sanitise import clean

MARK = "op:"
# Labels that say how bad or where, and not what: matchers of these alone would silence half of a site.
BROAD = frozenset(
    ("severity", "priority", "team", "region", "cluster", "environment", "env", "job", "namespace", "site")
)
NAMED = 4  # alerts named in the plan


class Silence:
    """The whole label set of one alert, or fewer labels of it, chosen by name and shown with what they match."""

    about = About(
        name="alert.silence",
        title="silence the alert",
        about="have Alertmanager keep an alert quiet for a while; shows first what else would be quiet",
        kind=TargetKind.ALERT,
        parameters=(
            Parameter(name="for", type=Type.DURATION, about="how long", default=900, least=60, most=7 * 86400),
            Parameter(
                name="by", type=Type.WORD, about="labels to match, a,b,c; all of them if not given", is_optional=True
            ),
            Parameter(name="comment", type=Type.TEXT, about="for whoever reads the silence", default="", most=500),
        ),
        tier=Tier.LOW,
        undo="silence.expire",
    )

    def __init__(self, hand: AlertmanagerHand) -> None:
        self._hand = hand

    async def draft(self, order: Order) -> Draft:
        reading = order.scene.alerts
        if reading is None or reading.value is None:
            raise NoPlan(
                "the alerts cannot be seen, so nobody could say what a silence would match", is_unreachable=True
            )
        alert = reading.value.alerts.get(order.target.name)
        if alert is None:
            raise NoPlan(f"no alert {order.target.name} is told by any Alertmanager now")
        try:
            peer = await self._hand.answering()
            told = await self._told(peer, alert)
        except SourceError as error:
            raise NoPlan(str(error.failure), is_unreachable=True) from error
        chosen = _chosen(alert, told[alert.fingerprint].labels, order.parameters.get("by"))
        matched = tuple(_matched(chosen, told, reading.value.alerts))
        seconds = int(order.parameters["for"])
        mark = f"{MARK}{order.op}"
        until = order.at + timedelta(seconds=seconds)
        body = {
            "matchers": [
                {"name": name, "value": value, "isRegex": False, "isEqual": True}
                for name, value in sorted(chosen.items())
            ],
            "startsAt": _stamp(order.at),
            "endsAt": _stamp(until),
            "createdBy": order.person.name,
            "comment": " ".join(filter(None, (str(order.parameters.get("comment") or ""), f"midwatch {mark}"))),
        }
        write = SilenceWrite(url=peer, body=msgspec.json.encode(body).decode(), marker=mark)
        shown = ", ".join(f'{clean(name, 200)}="{clean(value, 400)}"' for name, value in sorted(chosen.items()))
        step = PlanStep(
            told=PlannedStep(
                what="silence", target=order.target.text, field="silence", old=None, new=seconds, undo="silence.expire"
            ),
            write=write,
        )
        names = ", ".join(name for _, name in matched[:NAMED]) + ("…" if len(matched) > NAMED else "")
        return Draft(
            what=f"silence {several(len(matched), 'alert')} ({names}) until {until:%H:%M:%S} UTC",
            survey=Survey(uid=alert.fingerprint, read_at=order.at),
            changes=(Change("silence", None, clean("{" + shown + "}", 400)),),
            steps=(step,),
            proof=Proof(
                kind="silenced",
                window_s=30.0,
                text=f"{several(len(matched), 'alert')} told as silenced",
                wants=(("fingerprints", ",".join(fingerprint for fingerprint, _ in matched)), ("silenced", True)),
            ),
            undo=Inverse(action="silence.expire", text="expire the silence"),
            undo_text="expire the silence",
            verdicts=tuple(_width(chosen, matched)),
        )

    async def _told(self, peer: str, alert: Alert) -> Mapping[str, Told]:
        """The alerts of this peer, or of another where it has not heard of this one yet. Raises NoPlan, SourceError."""
        for each in (peer, *(other for other in self._hand.peers if other != peer)):
            try:
                told = await self._hand.alerts(each)
            except SourceError:
                if each == peer:
                    raise
                continue
            if alert.fingerprint in told:
                return told
        raise NoPlan(f"no Alertmanager that answers tells alert {alert.fingerprint} any more")

    def inverse(self, operation: Operation) -> Inverse | None:
        minted = operation.steps[0].uid if operation.steps else ""
        if not minted:
            return None
        return Inverse(action="silence.expire", target=f"silence:{minted}", text=f"expire the silence {minted}")


def _chosen(alert: Alert, labels: Mapping[str, str], by: object) -> Mapping[str, str]:
    """Raises NoPlan for a label that the alert does not have: an absent label would match every alert without it."""
    if by is None:
        return {name: value for name, value in labels.items() if value}
    names = [name for name in str(by).split(",") if name]
    missing = [name for name in names if not labels.get(name)]
    if missing or not names:
        there_are = ", ".join(sorted(alert.labels))
        raise NoPlan(f"alert {alert.name} has no label {', '.join(missing) or by} (it has: {there_are})")
    return {name: labels[name] for name in names}


def _matched(
    chosen: Mapping[str, str], told: Mapping[str, Told], seen: Mapping[str, Alert]
) -> Iterable[tuple[str, str]]:
    """(fingerprint, name) of what these matchers would silence: as the peer tells its alerts, and of those that only
    others tell as they are seen.
    """
    shown = {clean(name, 200): clean(value, 1000) for name, value in chosen.items()}
    for fingerprint in sorted({*told, *seen}):
        if fingerprint in told:
            labels = told[fingerprint].labels
            if _matches(chosen, labels):
                yield clean(fingerprint, 64), clean(labels.get("alertname", ""), 200)
        elif _matches(shown, seen[fingerprint].labels):
            yield fingerprint, seen[fingerprint].name


def _matches(chosen: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(name, "") == value for name, value in chosen.items())


def _width(chosen: Mapping[str, str], matched: tuple[tuple[str, str], ...]) -> Iterable[Verdict]:
    if set(chosen) <= BROAD:
        names = ", ".join(clean(name, 200) for name in sorted(chosen))
        yield Verdict("silence", Stand.REFUSE, f"{names} alone is too broad: add alertname or another label")
    others = len(matched) - 1
    if others > 0:
        quiet = several(others, "other alert")
        yield Verdict("silence", Stand.NOTE, f"{quiet} would be quiet too", at_least=Tier.MEDIUM)


def _stamp(at: object) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


class Expire:
    """End a silence before its time."""

    about = About(
        name="silence.expire",
        title="expire the silence",
        about="let what a silence kept quiet be heard again",
        kind=TargetKind.SILENCE,
        tier=Tier.LOW,
        undo="none: silence the alert again",
    )

    def __init__(self, hand: AlertmanagerHand) -> None:
        self._hand = hand

    async def draft(self, order: Order) -> Draft:
        wanted = order.target.name
        try:
            peer = await self._hand.answering()
            every = await self._hand.silences(peer)
        except SourceError as error:
            raise NoPlan(str(error.failure), is_unreachable=True) from error
        found = next((each for each in every if each.get("id") == wanted), None)
        if found is None:
            raise NoPlan(f"there is no silence {wanted} at {peer}")
        status = found.get("status")
        state = str(status.get("state")) if isinstance(status, dict) else "unknown"
        alerts = order.scene.alerts.value.alerts if order.scene.alerts and order.scene.alerts.value else {}
        loud = tuple(each for each in alerts.values() if wanted in each.silenced_by)
        alone = tuple(each for each in loud if set(each.silenced_by) == {wanted})
        verdicts: tuple[Verdict, ...] = ()
        if state == "expired":
            verdicts = (Verdict("change", Stand.REFUSE, "it has expired already: there is nothing to do"),)
        return Draft(
            what=f"expire the silence of {clean(str(found.get('createdBy')), 80)}: {several(len(alone), 'alert')} loud again",
            survey=Survey(uid=wanted, read_at=order.at),
            changes=(Change("silence", clean(str(found.get("comment")), 200), None),),
            steps=(
                PlanStep(
                    told=PlannedStep(
                        what="expire", target=order.target.text, uid=wanted, field="state", old=state, new="expired"
                    ),
                    write=SilenceWrite(url=peer, id=wanted),
                ),
            ),
            proof=Proof(
                kind="silenced",
                window_s=30.0,
                text=f"{several(len(alone), 'alert')} loud again",
                wants=(("fingerprints", ",".join(each.fingerprint for each in alone)), ("silenced", False)),
            ),
            undo_text="none: silence the alert again",
            verdicts=verdicts,
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        return None
