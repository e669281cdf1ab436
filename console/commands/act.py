"""`midwatch act`: the same service as behind the screen, without one.

stdout is the plan and the outcome, stderr is progress and refusals. The first ctrl+c stops before the next step; the second
leaves the operation as it is, which the audit then tells.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from console.acting.arming import armed
from console.actions.audit.operation import Actor, Ending, Tier
from console.actions.audit.person import person_here
from console.actions.locks import HOST
from console.actions.parameters import BadParameter
from console.actions.plan import Plan
from console.actions.refusal import Denied, Unable
from console.actions.registry import UnknownAction
from console.actions.service import ActionService
from console.actions.target import BadTarget, Target
from console.actions.text import plan_lines
from console.assembly import Engine
from console.commands.flags import Flags, UsageError
from console.commands.opening import opened
from console.exit_codes import ExitCode
from console.feeds.clock import SystemClock

_ON_OPERATION = ("resume", "undo", "leave")
_BY_ENDING = {
    Ending.SUCCEEDED: ExitCode.OK,
    Ending.FAILED: ExitCode.UNHEALTHY,
    Ending.UNKNOWN: ExitCode.OUTCOME_UNKNOWN,
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    action: str | None
    target: str | None
    settings: Mapping[str, str]
    reason: str
    ticket: str
    confirm: str | None
    plan: str | None
    is_override: bool


def run(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    verb: str,
    action: str | None,
    target: str | None,
    settings: list[str],
    reason: str,
    ticket: str,
    confirm: str | None,
    plan: str | None,
    override_freeze: bool,
) -> ExitCode:
    """Raises UsageError for words that do not fit together."""
    found = opened(flags, environ)
    asked = Asked(
        action=action,
        target=target,
        settings=_pairs(settings),
        reason=reason,
        ticket=ticket,
        confirm=confirm,
        plan=plan,
        is_override=override_freeze,
    )
    if verb != "list" and not flags.write:
        raise UsageError(f"act {verb}: midwatch only reads until it is started with --write")
    if verb in _ON_OPERATION:
        if action is None or target is not None:
            raise UsageError(f"act {verb}: which operation? {verb} op-…, as midwatch audit show names it")
    elif verb != "list":
        if action is None or target is None:
            raise UsageError(
                f"act {verb}: ACTION and TARGET are missing, as in: {verb} deployment.restart kube:CLUSTER/NS/deployment/NAME"
            )
        if verb == "run" and confirm is None:
            raise UsageError("act run: --confirm NAME is missing (what the plan says has to be typed)")

    async def work() -> ExitCode:
        clock = SystemClock()
        engine = Engine.open(found.config, found.site_name, clock, environ)
        person = person_here(environ)
        service = armed(engine, found.config, environ, person, host_locks=HOST)
        try:
            if verb == "list":
                return _list(service)
            return await _act(service, person, verb, asked)
        finally:
            await service.close()
            await engine.close()

    return asyncio.run(work())


def _pairs(settings: list[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"act: --set {text!r} is not NAME=VALUE")
        if name in pairs:
            raise UsageError(f"act: --set {name} is given twice")
        pairs[name] = value
    return pairs


def _list(service: ActionService) -> ExitCode:
    for about in service.actions():
        target = f"{about.kind}:…/{about.object_kind}/…" if about.object_kind else f"{about.kind}:…"
        print(f"{about.name.ljust(24)}{about.tier.ljust(8)}{target.ljust(24)}{about.about}")
        for parameter in about.parameters:
            default = f", {parameter.default} if not given" if parameter.default is not None else ""
            need = "" if parameter.is_optional or parameter.default is not None else ", needed"
            print(f"{'':24}--set {parameter.name}=… ({parameter.type}) {parameter.about}{default}{need}")
    return ExitCode.OK


async def _act(service: ActionService, person: Actor, verb: str, asked: Asked) -> ExitCode:
    assert asked.action is not None
    try:
        await service.book.read()
        if verb in _ON_OPERATION:
            return await _on_operation(service, person, verb, asked.action, asked)
        assert asked.target is not None
        target = Target.parse(asked.target)
        plan = await _plan(service, person, asked, target)
        if verb == "plan" or plan.refusals:
            for line in plan_lines(plan):
                print(line)
        if plan.refusals:
            print(
                f"midwatch: refused: {'; '.join(f'{each.guard}: {each.reason}' for each in plan.refusals)}",
                file=sys.stderr,
            )
            return ExitCode.REFUSED
        if verb == "plan":
            print(f"TYPE   {plan.to_type}")
            return ExitCode.OK
        if plan.tier is not Tier.LOW and asked.plan is None:
            for line in plan_lines(plan):
                print(line)
            raise Denied("plan", f"tier {plan.tier} runs only a plan that was seen: add --plan {plan.hash[:16]}")
        return await _run(service, person, plan, asked)
    except (BadTarget, BadParameter, UnknownAction) as wrong:
        raise UsageError(f"act {verb}: {wrong}") from wrong
    except Denied as denied:
        print(f"midwatch: refused: {denied}", file=sys.stderr)
        return ExitCode.REFUSED
    except Unable as unable:
        print(f"midwatch: {unable}", file=sys.stderr)
        return ExitCode.UNREACHABLE if unable.is_unreachable else ExitCode.REFUSED


async def _on_operation(service: ActionService, person: Actor, verb: str, op: str, asked: Asked) -> ExitCode:
    if service.book.get(op) is None:
        raise UsageError(f"act {verb}: the audit knows no operation {op!r}: midwatch audit show")
    if verb == "leave":
        await service.abandon(person, op, asked.reason or f"left as it is by {person.name}")
        print(f"{op} is left as it is")
        return ExitCode.OK
    if verb == "undo":
        plan = await service.plan_undo(person, op)
        for line in plan_lines(plan):
            print(line)
        if plan.refusals:
            return ExitCode.REFUSED
        given = "".join(f" --set {name}={value}" for name, value in plan.parameters)
        print(f"TYPE   {plan.to_type}")
        print(
            f"RUN    midwatch --write act run {plan.action} {plan.target.text}{given} --plan {plan.hash[:16]} --confirm …"
        )
        return ExitCode.OK
    task = service.beside(op, service.resume(person, op))
    return await _watched(service, person, op, task)


async def _plan(service: ActionService, person: Actor, asked: Asked, target: Target) -> Plan:
    assert asked.action is not None
    if asked.plan is None:
        return await service.plan(person, asked.action, target, asked.settings, override=asked.is_override)
    plan = await service.load(person, asked.plan)
    if plan.action != asked.action or plan.target != target:
        raise Denied("plan", f"plan {plan.hash[:12]} is {plan.action} {plan.target.text}, not what is asked for here")
    return plan


async def _run(service: ActionService, person: Actor, plan: Plan, asked: Asked) -> ExitCode:
    typed = asked.confirm or ""
    if plan.tier is Tier.LOW and typed == plan.target.name:
        typed = plan.to_type  # on a command line the name is no less deliberate than `y`
    await service.confirm(person, plan.op, plan.hash, typed, asked.reason, asked.ticket)
    print(f"{plan.op} {plan.action} {plan.target.text}", file=sys.stderr)
    return await _watched(service, person, plan.op, service.start(person, plan.op, plan.hash))


async def _watched(service: ActionService, person: Actor, op: str, task: asyncio.Task[Ending | None]) -> ExitCode:
    """Until it has ended, telling on stderr where it is."""
    said = ""

    def tell() -> None:
        nonlocal said
        progress = service.book.progress(op)
        if progress is not None and (text := f"{progress.step}/{progress.steps} {progress.text}") != said:
            said = text
            print(f"  {text}", file=sys.stderr)

    silence = service.book.listen(tell)
    interrupts = 0

    def interrupted() -> None:
        nonlocal interrupts
        interrupts += 1
        if interrupts > 1:
            task.cancel()
            return
        print("  stops before the next step; ctrl+c again leaves it where it is", file=sys.stderr)
        stopping.append(asyncio.ensure_future(stop()))

    stopping: list[asyncio.Future[None]] = []  # a task that nobody holds may be collected before it has run

    async def stop() -> None:
        with suppress(Denied):
            await service.stop(person, op)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        ending = await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
        print(f"{op} was interrupted: midwatch audit show tells how far it came; midwatch act resume {op}")
        return ExitCode.INTERRUPTED
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        silence()
    known = service.book.get(op)
    assert known is not None
    if ending is None:
        print(
            f"{op} stopped: {known.operation.done} of {len(known.operation.steps)} steps done; midwatch act resume {op}"
        )
        return ExitCode.PARTIAL
    print(f"{op} {ending}: {known.operation.ending_reason}")
    if ending is not Ending.SUCCEEDED and known.may_undo:
        print(f"UNDO   midwatch --write act undo {op}")
    return _BY_ENDING.get(ending, ExitCode.UNHEALTHY)
