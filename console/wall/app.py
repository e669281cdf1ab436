"""The wall's app: the console's, without its keys.

It has what the console's app has to live by (the terminal, the link, faults that are contained, filters on everything that is
painted) and nothing to act with. Of all that a terminal can send, two keys are heard.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from textual.driver import Driver
from textual.events import Event, Key, MouseEvent, Paste

from console.app.abilities import Abilities
from console.app.app import MidwatchApp
from console.config.link import LinkMode
from console.exit_codes import ExitCode
from console.wall.pulse import Pulse
from console.wall.screen import WallScreen

BEAT_S = 1.0
LEAVING = {"q": ExitCode.OK, "ctrl+c": ExitCode.INTERRUPTED}


class WallApp(MidwatchApp, inherit_bindings=False):
    """One wall."""

    TITLE = "midwatch wall"
    BINDINGS = []

    def __init__(
        self,
        screen: WallScreen,
        *,
        started: Callable[[], None] = lambda: None,
        theme: str | None = None,
        able: Abilities = Abilities(),  # noqa: B008 - frozen
        link: LinkMode = LinkMode.FULL,
        driver: Callable[..., Driver] | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        super().__init__(cast(Any, screen), started=started, theme=theme, able=able, link=link, driver=driver)
        self.console_screen = None  # of everything that keys lead to
        self.wall = screen
        self._pulse = pulse or Pulse()
        self._painted = False

    def on_mount(self) -> None:  # Textual calls that of every class, the console's before ours
        self.set_interval(BEAT_S, self._beat)

    def _beat(self) -> None:
        """That a frame has really left: a loop that runs and paints nothing is as stuck as one that does not run."""
        if self._driver is not None and hasattr(self._driver, "send") and self.mode is not LinkMode.OFF:
            self._pulse.look(self.flight)
        elif self._painted:
            self._painted = False
            self._pulse.beat()

    def post_display_hook(self) -> None:
        self._painted = True

    async def on_event(self, event: Event) -> None:
        """No mouse, no paste, and no key but those that leave: what else is typed comes to nobody."""
        if isinstance(event, Key):
            if event.key in LEAVING:
                self.exit(return_code=LEAVING[event.key])
        elif not isinstance(event, MouseEvent | Paste):
            await super().on_event(event)

    async def _look_again(self) -> None:
        """Whatever stood on the screen is as old as we were away."""
        await self.wall.look_again()

    def _handle_exception(self, error: Exception) -> None:
        super()._handle_exception(error)
        if self.fatal is not None:
            self._pulse.fault(f"{type(self.fatal).__name__}: {self.fatal}")
