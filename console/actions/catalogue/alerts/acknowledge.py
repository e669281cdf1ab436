"""Who has it in hand, and until when. Alertmanager knows no acknowledgement, so it is a record of ours and nothing else;
a silence is another action, because hearing nothing and having somebody on it are two things.
"""

from __future__ import annotations

from console.actions.action import About, Draft, NoPlan, Order
from console.actions.audit.operation import Operation, PlannedStep, Tier
from console.actions.parameters import Parameter, Type
from console.actions.plan import Change, Inverse, PlanStep, Proof
from console.actions.survey import Survey
from console.actions.target import TargetKind
from console.actions.writes import NoWrite

FOR = Parameter(name="for", type=Type.DURATION, about="how long it counts", default=3600, least=60, most=12 * 3600)


class _Acknowledge:
    about: About

    def _named(self, order: Order) -> str:
        raise NotImplementedError

    async def draft(self, order: Order) -> Draft:
        named = self._named(order)
        seconds = int(order.parameters["for"])
        step = PlanStep(
            told=PlannedStep(what="acknowledge", target=order.target.text, field="acknowledged", old=None, new=seconds),
            write=NoWrite(),
        )
        return Draft(
            what=f"acknowledge {named} for {seconds // 60} min: {order.person.name} has it in hand",
            survey=Survey(uid=order.target.name, read_at=order.at),
            changes=(Change("acknowledged by", None, order.person.name),),
            steps=(step,),
            proof=Proof(kind="recorded", window_s=1.0, text="recorded"),
            undo_text="none: it lapses by itself",
        )

    def inverse(self, operation: Operation) -> Inverse | None:
        return None


class AcknowledgeIncident(_Acknowledge):
    """One incident, by its id."""

    about = About(
        name="incident.acknowledge",
        title="acknowledge the incident",
        about="say that you have it in hand, until when",
        kind=TargetKind.INCIDENT,
        parameters=(FOR,),
        tier=Tier.LOW,
        undo="none: it lapses by itself",
    )

    def _named(self, order: Order) -> str:
        return order.target.name


class AcknowledgeAlert(_Acknowledge):
    """One alert, by its fingerprint."""

    about = About(
        name="alert.acknowledge",
        title="acknowledge the alert",
        about="say that you have it in hand, until when; it goes on sounding elsewhere",
        kind=TargetKind.ALERT,
        parameters=(FOR,),
        tier=Tier.LOW,
        undo="none: it lapses by itself",
    )

    def _named(self, order: Order) -> str:
        alerts = order.scene.alerts.value if order.scene.alerts is not None else None
        alert = alerts.alerts.get(order.target.name) if alerts is not None else None
        if alert is None:
            raise NoPlan(f"no alert {order.target.name} is told by any Alertmanager now")
        return f"alert {alert.name}"
