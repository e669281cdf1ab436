"""The golden screens: for each the scene, the sentence that must be readable in it, and the facts behind the sentence."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from console.feeds.desk import OVERVIEW, OVERVIEW_PANES
from console.model.scope import Scope
from tests.golden.dialogs import PLAN, REFUSED, busy_night, shown
from tests.golden.facts import (
    Fact,
    body,
    foot,
    head,
    incident,
    keys,
    never,
    page,
    page_never,
    row,
    strip,
    top,
    top_never,
    whole,
)
from tests.hand_clock import HandClock
from tests.scene import Scene
from tests.stage import Stage

Setting = Callable[[Scene], Awaitable[None]]
AGE_S = 34.0


async def as_it_is(_: Scene) -> None:
    """The scene of a bad deploy, everything answering."""


async def connecting(scene: Scene) -> None:
    scene.ring.__init__(1000)  # type: ignore[misc]  # nothing has come yet
    for view in scene.feeds:
        scene.connecting(view)


async def _later(scene: Scene) -> None:
    assert isinstance(scene.clock, HandClock)
    await scene.clock.advance(AGE_S)


async def stale(scene: Scene) -> None:
    await _later(scene)
    for view in OVERVIEW_PANES:
        scene.stale(view)


async def partial(scene: Scene) -> None:
    for view in OVERVIEW_PANES:
        scene.partial(view, "2 of 3 answered")


async def failed(scene: Scene) -> None:
    scene.ring.__init__(1000)  # type: ignore[misc]
    for view in OVERVIEW_PANES:
        scene.fail(view)


async def failed_later(scene: Scene) -> None:
    await _later(scene)
    for view in OVERVIEW_PANES:
        scene.fail(view, keep=True)


async def logs_down(scene: Scene) -> None:
    scene.fail("logs", keep=True)


class Shot(msgspec.Struct, frozen=True):
    """One screen to be agreed to."""

    name: str  # of its file
    sentence: str
    facts: tuple[Fact, ...]
    setting: Setting = as_it_is
    size: tuple[int, int] = (120, 36)
    view: str = OVERVIEW
    scope: Scope = Scope()
    theme: str | None = None
    has_color: bool = True
    keys: tuple[str, ...] = ()
    with_styles: bool = False
    options: dict[str, Any] = {}
    opening: Callable[[Stage], Awaitable[None]] | None = None  # after the keys


UK_SPORT = row("streams", "C", "uk-sport-1", "0/5", "16.0!", "3.41")
THE_WORST = (
    top("CRIT 8", "WARN 3", "? 1", "02:14:07 UTC"),
    incident(" C ", "INC-7f3a", "packager-emea: STALE on 4 channels", "60s", "before it: packager-emea 3.8.2"),
)

SHOTS = (
    Shot(
        "overview-120x36",
        "uk-sport-1 is critical, all its renditions stale at the origin; packager-emea was rolled out just before; errors are in its log.",
        (
            *THE_WORST,
            head("streams", "C", "10 live", "4 crit", "1 warn", "live"),
            UK_SPORT,
            row("streams", "W", "syd-news-2", "5/5"),
            row("streams", " ", "us-sport-1", "5/5", "0.9"),
            foot("streams", "WHY uk-sport-1 [package] since 02:13:03 (64s):", "all 5 renditions stale at the origin and 4 of 4 edges"),
            head("logs", "W", "err 37.5 %", "lag 2s", "live"),
            body("logs", "E packager-", "segment 8818 late by 12.1 s", "reconnected: 12 s missing", "late upstream 504"),
            foot("logs", "received 38 211", "shown 38 211", "dropped 0", "late 12"),
            head("workloads", "C", "18 pods", "4 not well", "live"),
            row("workloads", "C", "packager-emea-", "0/1", "CrashLoop"),
            row("workloads", " ", "origin-77c5d5f9c-abcd0", "1/1", "Running"),
            foot("workloads", "ROLLOUT packager-emea 3.8.2", "0 available"),
            head("capacity", "W", "worst: egress lhr 91 %", "1 without"),
            row("capacity", "W", "egress lhr", "91 %", "410G/450G b/s"),
            row("capacity", "?", "redis memory", "no data since"),
            keys("? help", "q quit", "p pivot"),
            whole(120, 36),
        ),
    ),
    Shot(
        "overview-80x24",
        "On the least terminal the worst stream is readable, each other pane is one line with its letter, and help is named.",
        (
            top("CRIT 8", "WARN 3", "? 1"),
            incident(" C ", "INC-7f3a", "packager-emea: STALE on 4 channels"),
            UK_SPORT,
            foot("streams", "WHY uk-sport-1 [package] since 02:13:03 (64s): all 5 renditions stale at the origin and 4 of 4 edges"),
            head("logs", "W", "2 Logs", "err 37.5 %", "live"),
            head("workloads", "C", "3 Workloads", "4 not well", "live"),
            head("capacity", "W", "4 Capacity", "egress lhr 91 %", "live"),
            keys("? help", "q quit"),
            whole(80, 24),
        ),
        size=(80, 24),
    ),
    Shot(
        "overview-80x24-workloads-in-front",
        "Two tabs on, the pods of the bad deploy have the room, and the streams are the one line with their C.",
        (
            head("streams", "C", "1 Streams", "4 crit"),
            row("workloads", "C", "packager-emea-7c9d", "-x2k40", "0/1", "CrashLoopBackOff"),
            foot("workloads", "ROLLOUT packager-emea 3.8.2", "4/4 updated, 0 available"),
        ),
        size=(80, 24),
        keys=("tab", "tab"),
    ),
    Shot(
        "overview-240x67",
        "With room, each stream says its layer and reason in its own row, and each pod its node and what is wrong.",
        (
            *THE_WORST,
            row("streams", "C", "uk-sport-1", "[package] all 5 renditions stale"),
            row("streams", "W", "syd-news-2", "[edge] 720p at edge-syd is 5 segments behind", "20s"),
            row("workloads", "C", "packager-emea-", "3.8.2", "emea-node-03", "CrashLoopBackOff"),
            row("capacity", "W", "transcoder slots emea", "86 %", "172/200 slots"),
            whole(240, 67),
        ),
        size=(240, 67),
    ),
    Shot(
        "overview-400x120",
        "On a wall the reason of a stream is there in full: what, where, how old, which limit, since when.",
        (
            *THE_WORST,
            row("streams", "C", "uk-sport-1", "at the origin and 4 of 4 edges: newest segment 64 s old, limit 12 s · 64s"),
            body("logs", "packager-emea       segment 8812 late by 6.1 s"),
            whole(400, 120),
        ),
        size=(400, 120),
    ),
    Shot(
        "all-connecting",
        "Nothing is known yet: four panes connect, each is a ?, and nothing is called well.",
        (
            top("? 3", "02:14:07 UTC"),
            top_never("CRIT", "WARN"),
            *(head(view, "?", "connecting") for view in OVERVIEW_PANES),
            body("streams", "connecting …"),
            body("logs", "connecting …"),
            never("workloads", "no rollout", "well", "no pods"),
            never("logs", "received"),
            incident("incidents: connecting"),
        ),
        setting=connecting,
    ),
    Shot(
        "all-stale",
        "All four panes are 34 s old and say so; what was bad stays bad, what was well is no longer known.",
        (
            top("CRIT 8", "02:14:41 UTC"),
            *(head(view, letter, "stale · last 34s ago") for view, letter in zip(OVERVIEW_PANES, "CWCW", strict=True)),
            UK_SPORT,
            row("streams", "?", "us-sport-1", "5/5"),
            row("workloads", "C", "packager-emea-", "CrashLoop"),
            row("workloads", "?", "origin-77c5d5f9c-abcd0"),
            row("capacity", "W", "egress lhr", "91 %"),
            row("capacity", "?", "egress syd", "53 %"),
            never("workloads", "all well"),
        ),
        setting=stale,
    ),
    Shot(
        "all-partial",
        "All four panes are partial, and where there is room it is told why.",
        (
            *(head(view, letter, "partial") for view, letter in zip(OVERVIEW_PANES, "CWCW", strict=True)),
            foot("capacity", "2 of 3 answered"),
            UK_SPORT,
        ),
        setting=partial,
    ),
    Shot(
        "all-failed",
        "No backend ever answered: each pane is a ? in error, and says what was tried, where, what came back and what to do.",
        (
            top("? 3"),
            top_never("CRIT", "WARN"),
            *(head(view, "?", "connection refused", "error") for view in OVERVIEW_PANES),
            *(
                body(view, "UNREACHABLE", "tried  poll the log tail", "elasticsearch http://127.0.0.1:9200", "connection refused", "midwatch doctor")
                for view in OVERVIEW_PANES
            ),
            never("workloads", "no rollout", "well"),
        ),
        setting=failed,
    ),
    Shot(
        "all-failed-with-old-rows",
        "The backends fail after they had answered: the old rows stand, 34 s old, with the error under them, and none is called well.",
        (
            top("CRIT 8", "02:14:41 UTC"),
            *(head(view, letter, "error · last 34s ago") for view, letter in zip(OVERVIEW_PANES, "CWCW", strict=True)),
            *(foot(view, "ERROR", "34s ago", "connection refused") for view in OVERVIEW_PANES),
            UK_SPORT,
            row("streams", "?", "us-sport-1"),
            row("workloads", "?", "origin-77c5d5f9c-abcd0"),
            row("capacity", "?", "egress syd"),
        ),
        setting=failed_later,
    ),
    Shot(
        "logs-failed-80x24",
        "On the least terminal a failing log backend is one line that says error, and the streams are not disturbed by it.",
        (
            head("logs", "W", "2 Logs", "error · last"),
            head("streams", "C", "4 crit", "live"),
            UK_SPORT,
        ),
        setting=logs_down,
        size=(80, 24),
    ),
    Shot(
        "streams-240x67",
        "With room, each stream tells each of its renditions by a shape, its window and its last change; what nobody measures is a dash.",
        (
            row("streams", "C", "uk-sport-1", "1080■ 720■ 540■ 360■ 240■", "16.0!", "[package] all 5 renditions", "75s packager-emea 3.8.2"),
            row("streams", "W", "syd-news-2", "1080● 720▲ 540● 360● 240●"),
            body("streams", "RENDITIONS", "LAST CHANGE", "INGEST", "DROP%"),
            whole(240, 67),
        ),
        view="streams",
        size=(240, 67),
    ),
    Shot(
        "channel-80x24",
        "On the least terminal the page of uk-sport-1 says why it is critical, which rendition at which vantage, and that there is more to the right.",
        (
            head("channel", "C", "uk-sport-1", "0/5 renditions", "5 findings"),
            body("channel", "WHY [package] since 02:13:03 (64s)", "edge-nrt     ›", "TIMELINE"),
            row("channel", "C", "1080p", "C STALE 16.0"),
            row("channel", "C", "1080p @ everywhere"),
            keys("? help", "q quit"),
            whole(80, 24),
        ),
        view="streams",
        size=(80, 24),
        keys=("enter",),
    ),
    Shot(
        "channel-240x67",
        "The page of a channel with one bad edge: the one cell is named, all others are fine, its latency is higher there, and the ladder is declared.",
        (
            head("channel", "W", "syd-news-2", "5/5 renditions", "1 finding"),
            row("channel", "W", "720p", "W EDGE_SKEW", "● 0.9", "4.0M", "avc1.640028,mp4a.40.2"),
            row("channel", " ", "latency", "11s", "31s"),
            row("channel", "W", "EDGE_SKEW", "720p @ edge-syd", "edge", "20s"),
            body("channel", "TIMELINE", "02:13:47  W  finding EDGE_SKEW"),
            whole(240, 67),
        ),
        view="streams",
        size=(240, 67),
        keys=("down", "down", "down", "down", "enter"),
    ),
    Shot(
        "streams-partial",
        "Full screen, a partial pane tells the reason in its head.",
        (head("streams", "C", "partial", "2 of 3 answered"), row("streams", "C", "uk-sport-1", "[package] all 5")),
        setting=partial,
        view="streams",
    ),
    Shot(
        "workloads-of-a-service",
        "In the scope of packager-emea its four pods crash, and the rollout that did it is under them.",
        (
            top("▸ service=packager-emea"),
            head("workloads", "C", "4 pods", "4 not well"),
            row("workloads", "C", "packager-emea-", "0/1", "CrashLoop", "3.8.2", "emea-node-03"),
            foot("workloads", "ROLLOUT packager-emea 3.8.2", "4/4 updated, 0 available", "02:12"),
            never("workloads", "origin-77", "packager-apac"),
        ),
        view="workloads",
        scope=Scope((("service", "packager-emea"),)),
    ),
    Shot(
        "logs-of-a-service",
        "In the scope of packager-emea only its errors are shown, and the account of all lines stays true.",
        (
            head("logs", "W", "err 37.5 %"),
            body("logs", "E packager-emea       segment 8812 late by 6.1 s"),
            foot("logs", "received 38 211", "in scope: service=packager-emea"),
            never("logs", "packager-apac"),
        ),
        view="logs",
        scope=Scope((("service", "packager-emea"),)),
    ),
    Shot(
        "capacity",
        "Full screen the fullest gauge is first, and a gauge without data is a ? with the reason.",
        (
            head("capacity", "W", "worst: egress lhr 91 %", "1 without data"),
            row("capacity", "W", "transcoder slots emea", "86 %"),
            row("capacity", "?", "redis memory", "no data since"),
            foot("capacity", "egress lhr", "warn 80 %", "crit 92 %"),
        ),
        view="capacity",
    ),
    Shot(
        "incidents",
        "One incident is open, and below it stands in order: the rollout, the finding, the alert.",
        (
            head("incidents", "C", "1 open"),
            row("incidents", "C", "INC-7f3a", "packager-emea: STALE on 4", "60s", "package"),
            body("incidents", "02:12:52     rollout packager-emea 3.8.2 rolled out", "02:13:07  C  finding uk-sport-1 1080p", "alert   PackagerPublishLate"),
        ),
        view="incidents",
    ),
    Shot(
        "sources",
        "Every backend stands with its state, its age and what is asked of it.",
        (
            head("sources", " ", "5/5 live"),
            row("sources", " ", "elasticsearch.tail", "live", "1.2s", "0.40", "900"),
        ),
        view="sources",
    ),
    Shot(
        "actions",
        "What nobody knows the outcome of and what was left half done is first, then what runs, what waits for a yes, and what is over.",
        (
            head("actions", "C", "1 unknown · 1 half done · 1 running · 1 awaiting approval · 2 ended"),
            row("actions", "C", "deployment.scale", "unknown", "no answer"),
            row("actions", "C", "node.drain", "interrupted", "7/12", "7 of 12 steps done"),
            row("actions", " ", "deployment.undo", "running", "0/1"),
            row("actions", " ", "awaiting approval"),
            foot("actions", "UNKNOWN deployment.scale", "because “leaks”"),
            strip("▶ mei runs deployment.undo demo-1/live/packager-emea step 1 of 1", "6 look"),
            whole(120, 36),
        ),
        setting=busy_night,
        view="actions",
    ),
    Shot(
        "plan-120x36",
        "The dialog says what would change, whom it touches, what speaks against it and how it is taken back; Cancel has the keys, Run is disabled.",
        (
            page(
                "rollout undo demo-1/live/packager-emea",
                "tier high",
                "expires 4:39",
                "WHAT   rollout undo: 4 pods from revision 4 back to 3",
                "- video/packager:3.8.2",
                "+ video/packager:3.8.1",
                "(server dry-run accepted)",
                "BLAST  4 pods · 4 channels, 246k viewers now",
                "GUARDS ! ownership: GitOps owned by argo: it will keep this change",
                "UNDO   roll forward again to revision 4",
                "NEEDS  one other person to approve it before it runs",
                "PASSED ✓ roles: role operator",
                "Type demo-1/live/packager-emea to confirm [",
                "[ Cancel ]    Ask for approval (disabled)",
            ),
            whole(120, 36),
        ),
        opening=shown(PLAN),
    ),
    Shot(
        "plan-80x24",
        "On the least terminal the plan scrolls, and reason, name and buttons are all there; half a name does not enable Run.",
        (
            page("WHAT   rollout undo", "REASON [wedged", "Type demo-1/live/packager-emea to confirm [demo-1/li", "(disabled)"),
            whole(80, 24),
        ),
        size=(80, 24),
        opening=shown(PLAN, "tab", *"wedged", "tab", "tab", *"demo-1/li"),
    ),
    Shot(
        "plan-refused-prod-80x24",
        "At a production site, refused by two guards: both reasons come first, and there is nothing to type.",
        (
            page("PROD", "REFUSED ✗ freeze: freeze `cup final` until 04:00 UTC", "✗ busy: op-11aa22bb33cc is under way on it", "2 guards refuse it"),
            page_never("Type", "REASON"),
            whole(80, 24),
        ),
        size=(80, 24),
        opening=shown(REFUSED, is_prod=True),
    ),
    Shot(
        "evidence",
        "The evidence of uk-sport-1 names the code, the layer, the vantages, the age and the specification.",
        (
            page(
                "evidence · uk-sport-1",
                "CRIT STALE    1080p stale at the origin and 4 of 4 edges",
                "layer         package · confidence 1.00",
                "seen          02:13:03 – 02:14:07 UTC",
                "origin, edge-lhr, edge-syd, edge-nrt, edge-iad",
                "RFC 8216bis 6.2.1",
                "esc closes",
            ),
        ),
        keys=("v",),
        size=(80, 24),
    ),
    Shot(
        "theme-night",
        "By night the C of a row stands dark on a red block, the W on a dark amber one, and nothing healthy is warm.",
        (UK_SPORT,),
        size=(80, 24),
        theme="night",
        with_styles=True,
    ),
    Shot(
        "theme-high-contrast",
        "In high contrast the C stands black on red, and the ground is black.",
        (UK_SPORT,),
        size=(80, 24),
        theme="high-contrast",
        with_styles=True,
    ),
    Shot(
        "theme-mono",
        "Without hue the C is a white block, the W is underlined, and every colour is a grey.",
        (UK_SPORT,),
        size=(80, 24),
        theme="mono",
        with_styles=True,
    ),
    Shot(
        "no-color",
        "Without any colour the C is reversed, the W underlined, and the words are all there.",
        (UK_SPORT, head("capacity", "W", "egress lhr 91 %")),
        size=(80, 24),
        has_color=False,
        with_styles=True,
    ),
)
