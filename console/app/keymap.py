"""The registry of everything a key can do. It feeds the key map, the palette, the help and the key bar.

A key that is not here does nothing. `danger` and `guard` are told for every entry, because help and audit ask the same
registry. No key changes an outside system by itself: one that is REMOTE leads to a plan, or to what would be posted.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec
from textual.binding import Binding


class Danger(StrEnum):
    """What an entry can do to the world."""

    NONE = "none"
    LOCAL = "local"  # changes this console only
    REMOTE = "remote"  # changes an outside system; always behind guards


class Entry(msgspec.Struct, frozen=True):
    """One thing that can be done."""

    name: str  # "view.streams"
    key: str  # Textual's name of the key
    shown: str  # how the key is written for people
    label: str  # for the key bar: a word or two
    help: str  # a sentence
    action: str  # the screen's action
    group: str
    danger: Danger = Danger.NONE
    guard: str = ""
    undo: str = ""
    in_bar: bool = False

    @property
    def binding(self) -> Binding:
        return Binding(self.key, self.action, self.label, show=False, id=self.name)


VIEWS, MOVE, PIVOT, CONSOLE = "Views", "In a pane", "From the selection", "Console"

ENTRIES: tuple[Entry, ...] = (
    Entry("view.overview", "0", "0", "overview", "the four panes at once", "view('overview')", VIEWS),
    Entry("view.streams", "1", "1", "streams", "every channel, the worst first", "view('streams')", VIEWS),
    Entry("view.logs", "2", "2", "logs", "the log tail, every line accounted for", "view('logs')", VIEWS),
    Entry("view.workloads", "3", "3", "workloads", "pods and rollouts", "view('workloads')", VIEWS),
    Entry("view.capacity", "4", "4", "capacity", "gauges, the fullest first", "view('capacity')", VIEWS),
    Entry(
        "view.incidents", "5", "5", "incidents", "what belongs together, with its timeline", "view('incidents')", VIEWS
    ),
    Entry("view.actions", "6", "6", "actions", "what was done, what runs, what waits for a yes", "view('actions')", VIEWS),
    Entry(
        "view.sources", "9", "9", "sources", "every backend: how fresh, and what we cost it", "view('sources')", VIEWS
    ),
    Entry("view.last", "minus", "-", "last view", "the view before this one", "last_view", VIEWS),
    Entry("pane.next", "tab", "tab", "next pane", "the next pane of the overview, or part of a channel", "next_pane(1)", VIEWS),
    Entry("pane.previous", "shift+tab", "shift+tab", "previous pane", "the pane before", "next_pane(-1)", VIEWS),
    Entry("pane.zoom", "z", "z", "zoom", "this pane full screen, and back", "zoom", VIEWS, in_bar=True),
    Entry("row.open", "enter", "enter", "open", "open the row under the cursor; of a stream, its page", "open", PIVOT),
    Entry(
        "row.pivot",
        "p",
        "p",
        "pivot",
        "from a stream to the pods at fault, from a pod or a line to its streams",
        "pivot",
        PIVOT,
        in_bar=True,
    ),
    Entry(
        "row.act",
        "a",
        "a",
        "act",
        "what can be done to the selection: a plan first, then a typed yes",
        "act",
        PIVOT,
        Danger.REMOTE,
        guard="--write, the policy's roles, every guard of the plan, its name typed, a second person where the tier asks",
        undo="u on the operation (6), where it has one",
        in_bar=True,
    ),
    Entry(
        "operation.stop",
        "s",
        "s",
        "stop",
        "the operation that runs from here, before its next step",
        "stop_operation",
        PIVOT,
        Danger.LOCAL,
    ),
    Entry("row.logs", "l", "l", "logs", "the log lines of the selection", "logs", PIVOT, in_bar=True),
    Entry("row.events", "e", "e", "events", "the cluster's events of the selection", "events", PIVOT),
    Entry("row.timeline", "t", "t", "timeline", "what happened around the selection", "timeline", PIVOT, in_bar=True),
    Entry("row.describe", "d", "d", "describe", "everything known of the selection", "describe", PIVOT),
    Entry("row.evidence", "v", "v", "evidence", "why the verdict was given", "evidence", PIVOT, in_bar=True),
    Entry("back", "escape", "esc", "back", "where you came from, with the scope you had", "back", PIVOT),
    Entry(
        "pane.pause",
        "equals_sign",
        "=",
        "pause",
        "hold the log lines still (nothing is lost), or the order of a table; again lets it go",
        "pause",
        MOVE,
        Danger.LOCAL,
    ),
    Entry("pane.filter", "slash", "/", "filter", "show only what contains a text", "filter", MOVE, in_bar=True),
    Entry("command", "colon", ":", "command", "everything by name; also scope k=v", "command", CONSOLE, in_bar=True),
    Entry("copy", "c", "c", "copy", "to the clipboard (OSC 52): of a stream a redacted curl, else the name", "copy", CONSOLE),
    Entry(
        "send",
        "S",
        "S",
        "snapshot",
        "post what this view shows to a chat: first shown as it would stand there, enter sends it",
        "send",
        CONSOLE,
        Danger.REMOTE,
        guard="[chat.NAME] in the configuration; in serve a role's `post`, and no more than its person may read",
        undo="nothing takes back what was read; posted again it is the same message",
    ),
    Entry("theme", "T", "T", "theme", "the next theme", "theme", CONSOLE, Danger.LOCAL),
    Entry("help", "question_mark", "?", "help", "this page", "help", CONSOLE, in_bar=True),
    Entry(
        "quit.hint",
        "ctrl+c",
        "ctrl+c",
        "how to leave",
        "says how to leave; no key pressed by habit closes the console",
        "hint_quit",
        CONSOLE,
    ),
    Entry(
        "suspend",
        "ctrl+z",
        "ctrl+z",
        "suspend",
        "to the shell, the prober too; fg comes back and says how old all is",
        "suspend",
        CONSOLE,
        Danger.LOCAL,
        undo="fg",
    ),
    Entry(
        "repaint",
        "ctrl+l",
        "ctrl+l",
        "repaint",
        "the whole screen anew, where something else has written on it",
        "repaint",
        CONSOLE,
    ),
    Entry("quit", "q", "q", "quit", "leave", "quit", CONSOLE, in_bar=True),
)


def by_name(name: str) -> Entry:
    """KeyError for a name that is not in the registry: a fault of the caller."""
    return {entry.name: entry for entry in ENTRIES}[name]


def groups() -> dict[str, list[Entry]]:
    """Entries by group in the order of the registry."""
    found: dict[str, list[Entry]] = {}
    for entry in ENTRIES:
        found.setdefault(entry.group, []).append(entry)
    return found
