"""The Textual application: themes, filters on everything that is painted, the screen, the order of starting, and what a
fault of our own may end.

A fault in a key's action, in a widget's handler, in a callback or a timer is logged with its traceback and told on the
screen; the rest goes on. What leaves nothing to go on with ends the app with INTERNAL: a fault before the first frame, in
the worker that renews the screen, or in Textual's loop.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual import work
from textual.await_complete import AwaitComplete
from textual.binding import Binding
from textual.driver import Driver
from textual.events import Event, Key, Paste
from textual.filter import LineFilter
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.worker import NoActiveWorker, WorkerFailed, get_current_worker

from console.app.abilities import Abilities, filters
from console.app.clipboard import TooLong, copied
from console.app.curtain import Curtain
from console.app.keyboard import Keyboard, Typed
from console.app.keymap import by_name
from console.app.linked import Linked
from console.app.sheet import SharedSheet
from console.app.terminal import Terminal, has_shell
from console.config.link import LinkMode
from console.exit_codes import ExitCode
from themes import DEFAULT_THEME, STYLESHEET, THEMES
from widgets.brush import Brush
from widgets.filter import clean, line_filters

if TYPE_CHECKING:  # half of the console is not needed for the first frame
    from console.app.screen import ConsoleScreen

TOLD_S = 20.0  # how long a fault stands on the screen
MOST_TOLD = 20  # kinds of faults; a console with more has other troubles

AT_ONCE = frozenset(by_name(name).key for name in ("suspend", "repaint"))  # keys of the terminal, not of what it shows

log = logging.getLogger(__name__)


def theme_of(name: str | None) -> str:
    """A theme's name, the default for None. Raises ValueError that lists ours: no other is painted as itself."""
    names = [each.name for each in THEMES]
    if name is not None and name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"there is no theme {name!r}; there are {', '.join(names)}{hint}")
    return name or DEFAULT_THEME


class MidwatchApp(Linked, inherit_bindings=False):
    """One console: its screen, or a curtain and how to come by the screen behind it.

    `opening` is awaited once the curtain is on the terminal, and `started` called once the screen is: only then may
    connectors be imported.

    Textual's own keys (ctrl+q, ctrl+c) are not inherited: the registry is all there is.

    `driver` is what makes the driver, for a terminal that is not the one we were started at.
    """

    CSS_PATH = STYLESHEET
    ENABLE_COMMAND_PALETTE = False
    TITLE = "midwatch"
    # over every page and prompt, as in every program of a terminal
    BINDINGS = [
        Binding(by_name("suspend").key, "suspend_process", show=False, priority=True),
        Binding(by_name("repaint").key, "repaint", show=False, priority=True),
    ]

    def __init__(
        self,
        first: ConsoleScreen | Curtain,
        *,
        opening: Callable[[], Awaitable[ConsoleScreen]] | None = None,
        started: Callable[[], None] = lambda: None,
        theme: str | None = None,
        able: Abilities = Abilities(),  # noqa: B008 - frozen
        link: LinkMode = LinkMode.FULL,
        driver: Callable[..., Driver] | None = None,
    ) -> None:
        super().__init__(able, link, driver)
        self.stylesheet = SharedSheet(variables=self.get_css_variables())
        self._poorer = filters(able)
        for each in THEMES:
            self.register_theme(each)
        self.theme = theme_of(theme)
        self._first: Screen[None] = first
        self._opening = opening
        self._started = started
        self._is_up = False  # the first frame is out, and the loop runs
        self.keyboard = Keyboard(self, self._type, self._arrived)
        self.faults: list[str] = []  # of our own that were contained, each kind once
        self.fatal: BaseException | None = None  # the one that was not
        self.brush: Brush | None = None  # once there is a terminal to paint on
        self.console_screen: ConsoleScreen | None = None if isinstance(first, Curtain) else first

    def on_mount(self) -> None:
        self.push_screen(self._first)
        self.call_after_refresh(self._first_frame_is_out if self._opening is None else self._open)

    @work
    async def _open(self) -> None:
        """Raise the curtain."""
        assert self._opening is not None
        screen = await self._opening()
        self.keyboard.hold()
        self.console_screen = screen
        await self.switch_screen(screen)
        self.call_after_refresh(self._first_frame_is_out)
        self.keyboard.release(self._first.typed if isinstance(self._first, Curtain) else ())

    def _first_frame_is_out(self) -> None:
        self._is_up = True
        canvas = self.canvas()
        if canvas is not None:
            self.brush = Brush(self, canvas)
        self._started()

    def get_driver_class(self) -> type[Driver]:
        """Ours; a test's headless one comes another way."""
        return Terminal

    # -- the terminal --------------------------------------------------------------------------------------------------
    def leave(self, code: int) -> None:
        """End with this code. For signal handlers: the loop may be waiting for a terminal that takes nothing."""
        driver = self._driver
        if isinstance(driver, Terminal):
            driver.leave(code)
        elif self._loop is not None:
            self._loop.call_soon_threadsafe(self.exit, None, code)

    def give_back(self) -> None:
        """The terminal as it was, however we came to end. Twice does no harm."""
        if isinstance(self._driver, Terminal):
            self._driver.suspend_application_mode()

    async def action_suspend_process(self) -> None:  # type: ignore[override]  # Textual's returns before it is continued
        """ctrl+z: the whole job stops. Whoever continues it sees first how old everything has become."""
        driver = self._driver
        if not isinstance(driver, Terminal) or not has_shell():
            self.notify("no shell waits behind midwatch: there is nothing to go back to; q leaves", severity="warning")
            return
        self.keyboard.forget()  # whoever continues it has not typed them
        log.info("stopped by ctrl+z or SIGTSTP")
        driver.stop_job()
        log.info("continued")
        await self._look_again()
        driver.start_application_mode()
        self._paint_whole()

    async def action_take_terminal(self) -> None:
        """After a SIGSTOP that was not ours: a shell may have had the terminal meanwhile."""
        driver = self._driver
        if isinstance(driver, Terminal):
            await self._look_again()
            driver.take_again()
            self._paint_whole()

    async def _look_again(self) -> None:
        """Whatever stood on the screen is as old as we were away."""
        if self.console_screen is not None:
            await self.console_screen.look_again()

    def _paint_whole(self) -> None:
        """On a terminal just taken. One of another size than before is laid out first: the driver has asked for that."""
        self.forget_terminal()
        if self._driver is not None and self._driver._get_terminal_size() == tuple(self.size):  # type: ignore[attr-defined]
            self.refresh(layout=True)

    # -- keys ----------------------------------------------------------------------------------------------------------
    async def on_event(self, event: Event) -> None:
        """What is typed takes its turn, but for what is the terminal's own; the rest is at once."""
        if isinstance(event, Key | Paste) and not event.is_forwarded and getattr(event, "key", "") not in AT_ONCE:
            self.keyboard.hear(event)
        else:
            await super().on_event(event)

    async def _type(self, typed: Typed) -> None:
        """Its turn has come."""
        await self._guarded(self, self._handle)(typed)

    async def _handle(self, message: Message) -> None:
        assert isinstance(message, Event)
        await super().on_event(message)

    def push_screen(self, *what: Any, **how: Any) -> Any:
        self._moved()
        return super().push_screen(*what, **how)

    def pop_screen(self) -> AwaitComplete:
        self._moved()
        return super().pop_screen()

    def _moved(self) -> None:
        """Keys act in pumps; a page that a worker opens or closes was opened or closed by no key, and none was meant for it."""
        try:
            worker = get_current_worker()
        except NoActiveWorker:
            return
        if worker._task is asyncio.current_task():  # and no pump that was started by one
            self.keyboard.forget()

    def on_unmount(self) -> None:
        self.keyboard.close()

    async def run_action(
        self, action: Any, default_namespace: Any = None, namespaces: Mapping[str, Any] | None = None
    ) -> bool:
        """An action acts on the view that the one before it led to, however fast they come."""
        await self._arrived()
        is_done = await super().run_action(action, default_namespace, namespaces)
        await self._arrived()
        return is_done

    async def _arrived(self) -> None:
        if self.console_screen is not None and self.console_screen.is_mounted:
            await self.console_screen.arrived()

    # -- faults of our own ---------------------------------------------------------------------------------------------
    def _register_child(self, parent: Any, child: Any, *place: Any) -> None:
        """Every widget and every screen comes by here before its messages are pumped."""
        if "_dispatch_message" not in vars(child):
            child._dispatch_message = self._guarded(child, child._dispatch_message)
        super()._register_child(parent, child, *place)

    async def _dispatch_message(self, message: Message) -> None:
        await self._guarded(self, super()._dispatch_message)(message)

    def _guarded(
        self, pump: MessagePump, dispatch: Callable[[Message], Awaitable[None]]
    ) -> Callable[[Message], Awaitable[None]]:
        """The same, for a pump that must outlive what its handlers raise: Textual would end it, and the app with it."""

        async def guarded(message: Message) -> None:
            try:
                await dispatch(message)
            except Exception as error:
                if not self._is_up:
                    raise
                self._tell(error, f"{type(pump).__name__}, {type(message).__name__}")

        return guarded

    def _handle_exception(self, error: Exception) -> None:
        """Textual comes here with whatever it caught. It would print the traceback, and every local variable of it, onto
        the terminal; ours goes into the log file, and what the variables held goes nowhere.
        """
        if self._is_up and not isinstance(error, WorkerFailed):
            if self._running:
                self._tell(error, "a callback or timer")
            else:  # on the way out already, and that is how it ends
                log.error("a fault of midwatch's own, while it was being closed", exc_info=error)
            return
        cause = error.error if isinstance(error, WorkerFailed) else error
        log.critical("midwatch ends by a fault of its own", exc_info=cause)
        if self.fatal is None:
            self.fatal = cause
        if self._exception is None:  # where a test that runs us headless looks
            self._exception = error
            self._exception_event.set()
        self._is_up = False
        self._return_code = ExitCode.INTERNAL
        self._close_messages_no_wait()

    def _tell(self, error: Exception, where: str) -> None:
        words = f"{type(error).__name__}: {clean(str(error))[:200]}"
        fault = f"{words} ({where})"
        if fault in self.faults or len(self.faults) >= MOST_TOLD:
            return  # a timer would fill the log file, and the screen
        self.faults.append(fault)
        log.error("a fault of midwatch's own, in %s", where, exc_info=error)
        try:
            self.notify(
                f"{words}\nthe log file has the traceback; the rest goes on",
                title="a fault of midwatch itself",
                severity="error",
                timeout=TOLD_S,
                markup=False,
            )
        except Exception:
            log.exception("and it could not be told on the screen")

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Nothing that is painted reaches the terminal unsanitised, whatever widget painted it."""
        return [*line_filters(super().get_line_filters(), self.no_color), *self._poorer]

    def copy_to_clipboard(self, text: str) -> None:
        why = self.to_clipboard(text)
        if why:
            self.notify(f"not copied: {why}", severity="warning", markup=False)

    def to_clipboard(self, text: str) -> str:
        """Why it was not sent to the terminal's clipboard; "" when it was, and whether the terminal takes it nobody tells.

        What is copied is pasted into shells: it leaves as it is shown, never with an escape in it.
        """
        self._clipboard = clean(text)
        if not self.able.is_asked:
            return "this kind of terminal (TERM) has no clipboard that could be written to"
        try:
            sequence = copied(self._clipboard, self.able.wrapping)
        except TooLong as wrong:
            return str(wrong)
        if self._driver is not None:
            self._driver.write(sequence)
        return ""

    def action_next_theme(self) -> None:
        """Walk through the themes."""
        names = [each.name for each in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]

    def get_system_commands(self, screen: Any) -> Any:
        """The palette is `:` and comes from the registry; Textual's own is off."""
        return ()
