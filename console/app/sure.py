"""A question of one's own about what goes on: resume it, leave it as it is, quit while it runs. Typed as a plan is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from textual import work

from console.app.detail import Line
from console.app.dialog import TypedDialog
from console.app.plandialog import NOT_DONE
from console.model.cell import Tone
from console.model.instant import Clock, Instant
from widgets.form import Form, Mark, Order


class SureDialog(TypedDialog[bool]):
    """`do` is given the reason; what it is refused with is told here. True: it was done."""

    def __init__(
        self,
        title: str,
        lines: Sequence[Line],
        expected: str,
        verb: str,
        do: Callable[[str], Awaitable[None]],
        clock: Clock,
        *,
        is_prod: bool,
        needs_reason: bool = False,
    ) -> None:
        self._title = title
        self._lines = tuple(lines)
        self._do = do

        def form(opened: float) -> Form:
            return Form(
                expected,
                opened,
                verb=verb,
                needs_reason=needs_reason,
                has_reason=needs_reason,
                has_ticket=False,
                may_plan=False,
            )

        super().__init__(clock, form, is_prod=is_prod)

    def lines(self) -> Sequence[Line]:
        return self._lines

    def head(self, now: Instant, width: int) -> tuple[list[Mark], list[Mark]]:
        return [Mark(f" {self._title} ", Tone.CRIT if self.is_prod else Tone.STRONG)], []

    def obey(self, order: Order) -> None:
        if order is Order.RUN:
            self._go_on()
        elif order is Order.CANCEL:
            self.give_up()

    def give_up(self, why: str = "") -> None:
        if not self.is_settled:
            self.is_settled = True
            self.dismiss(False)

    @work(exclusive=True, group="dialog")
    async def _go_on(self) -> None:
        self.form.answer, self.form.is_busy = "", True
        try:
            await self._do(self.form.reason)
        except NOT_DONE as error:
            self.refused(error)
            return
        if not self.is_settled:
            self.is_settled = True
            self.dismiss(True)
