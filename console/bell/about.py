"""What an alert is about: the scope that its labels name, the view that shows it best, and how it is called in one line.

A dimension is named by the label that Prometheus has for it in this configuration (`[scope.DIMENSION]`), or by what exporters
and rules usually call it. Whether there is such a channel or pod is asked later, of the running engine (`looking.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from console.bell.book import LINES, Heard, Pairs, Said
from console.bell.notification import Notification, Told
from console.chat.inert import inert
from console.config.scope import ScopeNames
from console.feeds.desk import OVERVIEW
from console.model.scope import DIMENSIONS
from console.redaction.redactor import Redactor
from console.rows import gauges, lines, pods, streams

VALUE = 120  # characters of a scope's value
NAME = 80
LINE = 280
VIEW_LABEL = "midwatch_view"  # a label or an annotation that names the view outright
VIEWS = (OVERVIEW, streams.VIEW, lines.VIEW, pods.VIEW, gauges.VIEW)
_USUAL = {
    "region": ("region",),
    "cluster": ("cluster", "kubernetes_cluster"),
    "cdn": ("cdn",),
    "pop": ("pop",),
    "namespace": ("namespace", "exported_namespace", "kubernetes_namespace"),
    "node": ("node", "exported_node"),
    "service": ("service", "exported_service", "app", "app_kubernetes_io_name", "deployment", "statefulset", "daemonset"),
    "channel": ("channel", "stream"),
    "rendition": ("rendition",),
    "pod": ("pod", "exported_pod", "pod_name"),
}
_LOGS = re.compile(r"(?i)log(?!in)|(?<![a-z])elastic")
_CAPACITY = re.compile(r"(?i)capacity|egress|bandwidth|disk|filesystem|memory|cpu|saturat|quota|headroom|certificate")
_TELLING = ("summary", "message", "description")
_NOT_TOLD = ("alertname", "severity", "prometheus", "alertstate", "__name__", VIEW_LABEL)


def scope_of(labels: Mapping[str, str], names: ScopeNames) -> Pairs:
    """The dimensions that the labels name, the widest first."""
    found = []
    for dimension in DIMENSIONS:
        own = names.of(dimension).prometheus
        for label in (own, *_USUAL[dimension]) if own else _USUAL[dimension]:
            value = labels.get(label, "")
            if value and len(value) <= VALUE and value.isprintable():
                found.append((dimension, value))
                break
    return tuple(found)


def view_of(labels: Mapping[str, str], annotations: Mapping[str, str], scope: Pairs) -> str:
    """The view that shows it best."""
    wished = labels.get(VIEW_LABEL) or annotations.get(VIEW_LABEL) or ""
    if wished in VIEWS:
        return wished
    named = dict(scope)
    if "channel" in named:
        return streams.VIEW
    name = labels.get("alertname", "")
    if _LOGS.search(name):
        return lines.VIEW
    if _CAPACITY.search(name) and "pod" not in named:
        return gauges.VIEW
    if "pod" in named or "namespace" in named or "node" in named:
        return pods.VIEW
    return OVERVIEW


class Saying:
    """Foreign text made fit to be kept: redacted, inert, cut. What is said often is worked out once."""

    MOST = 2000  # texts that are remembered

    def __init__(self, redactor: Redactor, names: ScopeNames) -> None:
        self._redactor = redactor
        self._names = names
        self._short: dict[str, str] = {}

    def heard(self, told: Notification, news: Sequence[Told], at: float) -> Heard:
        """What is new in a call, as it is written down. Blocks: some 20 us a text."""
        first = sorted(news, key=lambda one: (not one.is_firing, -one.severity.rank))
        return Heard(
            at=at,
            group=told.group,
            title=self._title(told),
            alerts=tuple(self._said(alert, is_named=number < LINES) for number, alert in enumerate(first)),
            left_out=told.left_out,
            unreadable=told.unreadable,
        )

    def _said(self, alert: Told, *, is_named: bool) -> Said:
        scope = scope_of(alert.labels, self._names)
        return Said(
            fingerprint=alert.fingerprint,
            is_firing=alert.is_firing,
            since=alert.since,
            name=self._short_of(alert.labels.get("alertname", "") or "an alert without a name"),
            severity=alert.severity.value,
            scope=tuple((dimension, self._plain_of(value)) for dimension, value in scope),
            view=view_of(alert.labels, alert.annotations, scope),
            line=self._line(alert, scope) if is_named else "",
        )

    def _line(self, alert: Told, scope: Pairs) -> str:
        """ "CRIT ChannelStale channel=uk-sport-1: no segment for 12 s". Never an address: what it is signed by may be in it."""
        word = alert.severity.value if alert.is_firing else "resolved"
        named = {value for _, value in scope}
        where = [f"{dimension}={value}" for dimension, value in scope]
        where += [
            f"{name}={value}" for name, value in sorted(alert.labels.items()) if value not in named and name not in _NOT_TOLD
        ][:4]
        says = next((alert.annotations[name] for name in _TELLING if alert.annotations.get(name)), "")
        name = alert.labels.get("alertname", "") or "(no alertname)"
        head = " ".join((word, name, *(where if alert.labels else ["(no labels)"])))
        return self._told(f"{head}: {says}" if says else head, LINE)

    def _title(self, told: Notification) -> str:
        """By what the group is one: its labels, the name of the alert first."""
        labels = told.labels or {}
        name = labels.get("alertname") or next(
            (alert.labels["alertname"] for alert in told.alerts if alert.labels.get("alertname")), ""
        )
        rest = [value for label, value in sorted(labels.items()) if label not in _NOT_TOLD and value]
        return self._told(" ".join((name or "alerts", *rest[:3])), NAME)

    def _short_of(self, text: str) -> str:
        return self._once(text, lambda: self._told(text, NAME))

    def _plain_of(self, value: str) -> str:
        """A scope's value is compared with names, so it is redacted only: what that changes is the name of nothing."""
        return self._once(f"={value}", lambda: self._redactor(value, VALUE))

    def _once(self, key: str, made: Callable[[], str]) -> str:
        """A thread may be at it, too: what is found is never looked for again."""
        found = self._short.get(key)
        if found is None:
            found = made()
            if len(self._short) >= self.MOST:
                self._short.clear()
            self._short[key] = found
        return found

    def _told(self, text: str, limit: int) -> str:
        return inert(self._redactor(text, limit), limit)
