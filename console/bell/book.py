"""What was heard, and what of it has been told: the state behind one destination. It changes only by records, so that a journal
of records is all that has to be on the disk; nothing here knows a clock, a disk or a chat.

An alert is its fingerprint, and of each the latest word is kept: since when, firing or not. What says nothing newer is a copy.
An episode of a group is its way from quiet to quiet and belongs to one thread; a group that fires again within `REOPENED_S`
comes back into its thread. Groups that have no thread wait for the teller to open one: its own, or the storm's.
"""

from __future__ import annotations

import msgspec

from console.bell.notification import Notification, Told
from console.model.severity import Severity, worst

REPLAY_S = 900.0  # a firing that was resolved under the same start counts for a late copy so long; then it fires again
REOPENED_S = 3600.0
FORGOTTEN_S = 86_400.0  # a group that has been quiet for so long
UNHEARD_S = 7 * 86_400.0  # one that fires and is not heard of: Alertmanager repeats itself sooner, unless it tells no ends
MOST_ALERTS = 50_000  # remembered; more may be heard only when some of them are over
LINES = 10  # alerts of one text that are told by name
NAMES = 50  # different names of alerts that are counted apart
OTHERS = "others"
Pairs = tuple[tuple[str, str], ...]


class Said(msgspec.Struct, frozen=True, array_like=True):
    """One alert as it is kept: redacted, and cut."""

    fingerprint: str
    is_firing: bool
    since: float
    name: str
    severity: str
    scope: Pairs = ()
    view: str = ""
    line: str = ""  # "" beyond the first of a call: counted, not told by name


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    """What was new in one call."""

    at: float
    group: str
    title: str
    alerts: tuple[Said, ...]
    left_out: int = 0
    unreadable: int = 0


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """These groups are told in this thread from now on."""

    at: float
    thread: str
    groups: tuple[str, ...]
    is_storm: bool = False


class Telling(msgspec.Struct, frozen=True, tag="telling"):
    """The news of a thread are being told: before the chat's queue is asked, so that a crash tells them under the same id."""

    at: float
    thread: str


class Posted(msgspec.Struct, frozen=True, tag="posted"):
    """The chat's queue has them."""

    at: float
    thread: str


class News(msgspec.Struct):
    """What has not been told yet."""

    fired: int = 0
    resolved: int = 0
    unreadable: int = 0
    left_out: int = 0  # the most that one call told of
    names: dict[str, int] = {}
    lines: list[str] = []
    severity: str = Severity.OK.value  # the worst of what fired

    def add(self, other: News) -> None:
        self.fired += other.fired
        self.resolved += other.resolved
        self.unreadable += other.unreadable
        self.left_out = max(self.left_out, other.left_out)
        for name, count in other.names.items():
            self.count(name, count)
        self.lines += other.lines[: LINES - len(self.lines)]
        self.severity = worst((Severity(self.severity), Severity(other.severity))).value

    def count(self, name: str, count: int = 1) -> None:
        name = name if name in self.names or len(self.names) < NAMES else OTHERS
        self.names[name] = self.names.get(name, 0) + count


class Known(msgspec.Struct, array_like=True):
    """The latest word on one alert."""

    since: float
    is_firing: bool
    at: float  # heard


class Group(msgspec.Struct):
    """One group of alerts as Alertmanager makes them."""

    title: str
    heard_at: float
    alerts: dict[str, Known] = {}
    firing: int = 0
    left_out: int = 0
    thread: str = ""
    news: News | None = None  # while it has no thread
    scope: Pairs | None = None  # what all that fired have in common
    view: str | None = None


class Thread(msgspec.Struct):
    """One conversation in the chat."""

    name: str
    title: str
    opened_at: float
    is_storm: bool = False
    groups: int = 0  # that were ever told in it
    told: int = 0  # texts
    told_at: float = 0.0
    pace: int = 0  # texts in quick succession
    firing: int = 0
    fired: int = 0  # ever
    resolved: int = 0
    severity: str = Severity.OK.value
    news: News | None = None
    telling: News | None = None
    heard_at: float = 0.0
    joined_at: float = 0.0  # when a group was last told here for the first time
    was_quiet: bool = True  # nothing fired in it before the news
    is_new: bool = False  # what fires in it has been in no text yet
    scope: Pairs | None = None
    view: str | None = None


class State(msgspec.Struct, tag="state"):
    """All of it, as it is written down when the journal is made shorter."""

    groups: dict[str, Group] = {}
    threads: dict[str, Thread] = {}


Record = Heard | Opened | Telling | Posted
QUICK_S = 300.0  # a text sooner than this after the one before is one of a quick succession


class Book:
    """Not safe to be called from several threads."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state if state is not None else State()
        self.alerts = sum(len(group.alerts) for group in self.state.groups.values())
        self.waiting = {name: None for name, group in self.state.groups.items() if group.news is not None}  # in order
        self._swept_at = 0.0

    # -- what is news --------------------------------------------------------------------------------------------------
    def news(self, told: Notification, at: float) -> tuple[Told, ...]:
        """The alerts of a call that say something newer than what is known."""
        group = self.state.groups.get(told.group)
        known = group.alerts if group is not None else {}
        return tuple(alert for alert in told.alerts if is_news(known.get(alert.fingerprint), alert, at))

    def is_more_left_out(self, told: Notification) -> bool:
        """Alerts that are in no call are news, too, as far as their number can tell."""
        group = self.state.groups.get(told.group)
        return told.left_out > (group.left_out if group is not None else 0)

    def has_room(self, count: int) -> bool:
        """Whether so many more can be remembered: what is over makes room, what fires and what is untold does not."""
        if self.alerts + count <= MOST_ALERTS:
            return True
        over = sum(len(group.alerts) for group in self.state.groups.values() if group.firing == 0 and self._is_told(group))
        return self.alerts - over + count <= MOST_ALERTS

    # -- what happens --------------------------------------------------------------------------------------------------
    def apply(self, record: Record) -> None:
        """The same records in the same order make the same book."""
        match record:
            case Heard():
                self._heard(record)
            case Opened():
                self._opened(record)
            case Telling():
                self._telling(record)
            case Posted():
                self._posted(record)

    def _heard(self, record: Heard) -> None:
        self._sweep(record.at, len(record.alerts))
        group = self.state.groups.get(record.group)
        if group is None:
            group = self.state.groups[record.group] = Group(title=record.title, heard_at=record.at)
        thread = self.state.threads.get(group.thread) if group.thread else None
        if thread is not None and group.firing == 0 and record.at - group.heard_at > REOPENED_S:
            thread = None
        if thread is None:
            group.thread = ""
        if group.firing == 0:
            group.scope, group.view, group.left_out = None, None, 0
        left_out = record.left_out if record.left_out > group.left_out else 0
        news = News(unreadable=record.unreadable, left_out=left_out)
        before = group.firing
        for alert in record.alerts:
            known = group.alerts.get(alert.fingerprint)
            if not is_news(known, alert, record.at):
                continue  # the same call came twice at once: two peers, or one that did not wait
            if known is None:
                self.alerts += 1
            was_firing = known is not None and known.is_firing
            if alert.is_firing or (known is not None and not known.is_firing):
                news.fired += 1  # the latter has come and gone between two calls
            news.resolved += not alert.is_firing
            group.firing += alert.is_firing - was_firing
            group.alerts[alert.fingerprint] = Known(alert.since, alert.is_firing, record.at)
            news.count(alert.name)
            if alert.line and len(news.lines) < LINES:
                news.lines.append(alert.line)
            if alert.is_firing:
                news.severity = worst((Severity(news.severity), Severity(alert.severity))).value
                group.scope = _common(group.scope, alert.scope)
                group.view = alert.view if group.view in (None, alert.view) else ""
        group.title, group.heard_at = record.title, record.at
        group.left_out = max(group.left_out, record.left_out)
        if not (news.names or news.unreadable or news.left_out):
            return
        if thread is None:
            if group.news is None:
                group.news = news
                self.waiting[record.group] = None
            else:
                group.news.add(news)
        else:
            thread.firing += group.firing - before
            self._told_in(thread, group, news, record.at)

    def _told_in(self, thread: Thread, group: Group, news: News, at: float) -> None:
        if thread.news is None:
            thread.news = News()
        thread.news.add(news)
        thread.heard_at = at
        thread.fired += news.fired
        thread.resolved += news.resolved
        if thread.was_quiet:
            thread.severity = news.severity
        thread.severity = worst((Severity(thread.severity), Severity(news.severity))).value
        if group.scope is not None:
            thread.scope = group.scope if thread.was_quiet else _common(thread.scope, group.scope)
            thread.view = group.view if thread.was_quiet or thread.view == group.view else ""
            thread.is_new = thread.is_new or thread.was_quiet
            thread.was_quiet = False

    def _opened(self, record: Opened) -> None:
        thread = self.state.threads.get(record.thread)
        for name in record.groups:
            group = self.state.groups.get(name)
            if group is None or group.news is None:
                continue
            if thread is None:
                thread = self.state.threads[record.thread] = Thread(
                    name=record.thread, title=group.title, opened_at=record.at, is_storm=record.is_storm
                )
            thread.groups += 1
            thread.joined_at = record.at
            thread.firing += group.firing
            self._told_in(thread, group, group.news, record.at)
            group.thread, group.news = record.thread, None
            self.waiting.pop(name, None)

    def _telling(self, record: Telling) -> None:
        thread = self.state.threads.get(record.thread)
        if thread is not None and thread.telling is None and thread.news is not None:
            thread.telling, thread.news = thread.news, None
            thread.pace = thread.pace + 1 if thread.told and record.at - thread.told_at < QUICK_S else 0

    def _posted(self, record: Posted) -> None:
        thread = self.state.threads.get(record.thread)
        if thread is not None and thread.telling is not None:
            thread.telling, thread.is_new = None, False
            thread.told += 1
            thread.told_at = record.at
            thread.was_quiet = thread.was_quiet or (thread.firing == 0 and thread.news is None)

    # -- what is forgotten ---------------------------------------------------------------------------------------------
    def _is_told(self, group: Group) -> bool:
        thread = self.state.threads.get(group.thread)
        return group.news is None and (thread is None or (thread.news is None and thread.telling is None))

    def _sweep(self, at: float, count: int) -> None:
        if at - self._swept_at < 60.0 and self.alerts + count <= MOST_ALERTS:
            return
        self._swept_at = at
        groups = self.state.groups
        told = sorted((name for name, group in groups.items() if self._is_told(group)), key=lambda name: groups[name].heard_at)
        for name in told:
            group, unheard_s = groups[name], at - groups[name].heard_at
            is_over = group.firing == 0 and (unheard_s > FORGOTTEN_S or self.alerts + count > MOST_ALERTS)
            if is_over or unheard_s > UNHEARD_S:
                self.alerts -= len(groups.pop(name).alerts)
        used = {group.thread for group in groups.values()}
        for name, thread in list(self.state.threads.items()):
            if name not in used and thread.news is None and thread.telling is None:
                del self.state.threads[name]


def is_news(known: Known | None, alert: Told | Said, at: float) -> bool:
    """Whether this says something newer. The order of calls is no help: they are retried, and peers each send their own."""
    if known is None or alert.since > known.since:
        return True
    if alert.is_firing:
        is_again = not known.is_firing and alert.since == known.since
        return is_again and at - known.at > REPLAY_S
    return known.is_firing and alert.since == known.since


def _common(known: Pairs | None, more: Pairs) -> Pairs:
    return more if known is None else tuple(pair for pair in known if pair in more)
