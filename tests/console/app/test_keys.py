"""The tired engineer's way through the console, by keys alone; and the promise that the registry is all there is."""

from __future__ import annotations

import inspect
import re

import pytest
from textual import events
from textual.binding import Binding
from textual.dom import DOMNode
from textual.widget import Widget

from console.app.commands import COMMANDS
from console.app.detail import DetailScreen
from console.app.keymap import ENTRIES, Danger, groups
from console.app.screen import PANES, ConsoleScreen
from console.feeds.desk import OVERVIEW, VIEWS
from console.model.scope import DIMENSIONS, Scope
from console.rows import pods, streams
from tests.stage import Stage, staged
from themes import THEMES
from widgets.board import Board
from widgets.lines import Lines
from widgets.log import LogView
from widgets.table import Table
from widgets.timeline import Timeline


def told(stage: Stage) -> list[str]:
    """What the console complained of."""
    return [notice.message for notice in stage.app._notifications]


# -- the way ----------------------------------------------------------------------------------------------------------
async def test_the_first_paint_shows_what_is_critical_and_where_the_cursor_stands() -> None:
    async with staged() as stage:
        assert "CRIT 8" in stage.lines()[0]
        assert stage.of("streams")[2].startswith(" C▸uk-sport-1")
        assert stage.console.selection is not None
        assert stage.console.selection.name == "uk-sport-1"


async def test_p_leads_from_a_stream_to_the_pods_at_fault_and_their_rollout() -> None:
    async with staged() as stage:
        await stage.press("p")
        assert stage.here == ("workloads", "channel=uk-sport-1 service=packager-emea")
        shown = stage.of("workloads")
        assert sum("packager-emea-" in line and "CrashLoop" in line for line in shown) == 4
        assert not any("origin-" in line for line in shown)
        assert any("ROLLOUT packager-emea 3.8.2" in line for line in shown)


async def test_l_leads_on_to_the_lines_of_the_pod_and_two_escapes_lead_back() -> None:
    async with staged() as stage:
        await stage.press("p", "l")
        assert stage.here == ("logs", "service=packager-emea pod=packager-emea-7c9d8b5f6d-x2k40")
        shown = stage.of("logs")
        assert sum("segment 88" in line and "late by" in line for line in shown) == 7
        assert not any("packager-apac" in line for line in shown)
        await stage.press("escape")
        assert stage.here == ("workloads", "channel=uk-sport-1 service=packager-emea")
        assert re.match(r" C▸packager-emea-.*-x2k40 ", stage.of("workloads")[2])
        await stage.press("escape")
        assert stage.here == ("overview", "")
        assert stage.of("streams")[2].startswith(" C▸uk-sport-1")
        await stage.press("escape")
        assert stage.here == ("overview", ""), "there is nothing further back"


async def test_the_cursor_is_where_it_was_left_after_a_way_there_and_back() -> None:
    async with staged() as stage:
        await stage.press("down", "down", "p", "escape")
        assert stage.console.selection is not None
        assert stage.console.selection.name == "fr-news-1"


async def test_l_from_a_stream_leads_to_the_lines_of_the_workload_at_fault() -> None:
    async with staged() as stage:
        await stage.press("l")
        assert stage.here == ("logs", "service=packager-emea")


async def test_p_from_a_pod_leads_back_to_the_streams_it_serves() -> None:
    async with staged(view="workloads") as stage:
        await stage.press("p")
        assert stage.here == ("streams", "service=packager-emea")
        assert "4 crit" in stage.of("streams")[0]
        assert not any("syd-news-2" in line for line in stage.of("streams"))


async def test_p_from_a_log_line_leads_to_its_pod() -> None:
    async with staged(view="logs") as stage:
        await stage.press("up", "p")
        assert stage.here == ("workloads", "service=packager-emea pod=packager-emea-7c9d8b5f6d-x2k40")
        assert "1 pods" in stage.of("workloads")[0]


async def test_t_leads_to_what_happened_around_a_stream() -> None:
    async with staged() as stage:
        await stage.press("t")
        assert stage.here == ("incidents", "channel=uk-sport-1")
        assert any("rollout" in line and "packager-emea 3.8.2 rolled out" in line for line in stage.of("incidents"))


async def test_a_pivot_that_leads_nowhere_says_so_and_stays() -> None:
    async with staged() as stage:
        await stage.press("end", "p")
        assert stage.here == ("overview", "")
        assert told(stage) == ["nothing to pivot to: the selection knows no workload or channel at fault"]


async def test_a_key_that_needs_a_selection_says_that_there_is_none() -> None:
    async with staged(view="logs") as stage:
        for times, key in enumerate("pldvec", start=1):
            await stage.press(key)
            assert told(stage) == ["nothing is selected"] * times, key


# -- pages ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("view", "key", "words"),
    [
        ("overview", "v", ("evidence · uk-sport-1", "CRIT STALE", "RFC 8216bis")),
        ("overview", "d", ("streams · uk-sport-1", "rebuffer ratio", "2026-11-22 02:13:03 UTC", "packager-emea")),
        ("overview", "e", ("events · uk-sport-1", "×4", "Back-off restarting failed container")),
        ("workloads", "e", ("events · packager-emea-7c9d8b5f6d-x2k40", "BackOff")),
        ("workloads", "enter", ("workloads · packager-emea-7c9d8b5f6d-x2k40", "CrashLoopBackOff", "emea-node-03")),
        ("workloads", "v", ("evidence · packager-emea-7c9d8b5f6d-x2k40", "CRIT", "CrashLoopBackOff")),
        ("capacity", "enter", ("capacity · egress lhr", "ratio", "0.911111")),
        ("capacity", "v", ("evidence · egress lhr", "WARN")),
        ("incidents", "enter", ("incidents · INC-7f3a", "packager-emea: STALE on 4 channels")),
        ("sources", "d", ("sources · prometheus.gauges", "requests per s")),
        ("logs", "enter", ("logs · origin", "upstream 504")),
    ],
)  # fmt: skip
async def test_a_page_tells_of_the_selection_and_escape_closes_it(view: str, key: str, words: tuple[str, ...]) -> None:
    async with staged(view=view) as stage:
        await stage.press(key)
        assert isinstance(stage.app.screen, DetailScreen)
        for word in words:
            assert word in stage.text
        await stage.press("escape")
        assert isinstance(stage.app.screen, ConsoleScreen)
        assert stage.here == (view, "")


async def test_a_page_scrolls_to_its_end() -> None:
    async with staged(size=(80, 24)) as stage:
        await stage.press("v")
        assert "1080p stale" in stage.text and "240p stale" not in stage.text
        await stage.press("G")
        assert "240p stale" in stage.text and "1080p stale" not in stage.text
        await stage.press("g")
        assert "1080p stale" in stage.text


async def page_text(stage: Stage) -> str:
    """A page from its first line to its last."""
    seen: list[str] = []
    page = stage.app.screen.query_one(Lines)
    for _ in range(40):
        seen.append(stage.text)
        if page.top + page.body_height >= page.line_count():
            break
        await stage.press("pagedown")
    return "\n".join(seen)


async def test_help_names_every_entry_of_the_registry_and_every_column_in_front() -> None:
    async with staged(size=(120, 50)) as stage:
        await stage.press("question_mark")
        text = await page_text(stage)
        for entry in ENTRIES:
            assert re.search(rf"{re.escape(entry.shown)}\s+{re.escape(entry.help)}", text), entry.name
        for column in streams.COLUMNS:
            assert re.search(rf"{re.escape(column.title)}\s+{re.escape(column.help)}", text), column.key
        for group in groups():
            assert group in text


async def test_help_tells_the_columns_of_the_pane_that_is_in_front() -> None:
    async with staged(size=(120, 50)) as stage:
        await stage.press("tab", "tab", "question_mark")
        text = await page_text(stage)
        assert "Columns of Workloads" in text
        assert all(column.help in text for column in pods.COLUMNS)


# -- views, panes -----------------------------------------------------------------------------------------------------
async def test_each_view_has_its_number_and_minus_goes_back_and_forth() -> None:
    async with staged() as stage:
        for entry in ENTRIES:
            if entry.name.startswith("view.") and entry.name != "view.last":
                await stage.press(entry.key)
                assert stage.here == (entry.name.partition(".")[2], "")
        await stage.press("1", "minus")
        assert stage.here[0] == "sources"
        await stage.press("minus")
        assert stage.here[0] == "streams"


async def test_tab_walks_the_panes_in_their_order_and_shift_tab_back() -> None:
    async with staged() as stage:
        walked = []
        for _ in range(4):
            walked.append(stage.console.pane_in_front.VIEW)
            assert stage.console.pane_in_front.has_focus_within
            await stage.press("tab")
        assert walked == ["streams", "logs", "workloads", "capacity"]
        assert stage.console.pane_in_front.VIEW == "streams"
        await stage.press("shift+tab")
        assert stage.console.pane_in_front.VIEW == "capacity"


async def test_on_a_small_terminal_tab_brings_the_pane_that_it_reaches() -> None:
    async with staged(size=(80, 24)) as stage:
        await stage.press("tab")
        assert len(stage.of("logs")) > 10 and len(stage.of("streams")) == 1
        assert stage.console.pane_in_front.has_focus_within


async def test_z_fills_the_screen_with_the_pane_in_front_and_z_again_leaves_it() -> None:
    async with staged() as stage:
        await stage.press("tab", "tab", "z")
        assert stage.here == ("workloads", "")
        await stage.press("z")
        assert stage.here == ("overview", "")
        assert stage.console.pane_in_front.VIEW == "workloads"


# -- filter, pause, scope, commands, themes ---------------------------------------------------------------------------
async def test_slash_narrows_while_one_types_and_escape_clears() -> None:
    async with staged() as stage:
        await stage.press("slash", "n", "e", "w", "s")
        assert stage.console.prompt.question is not None
        names = [line for line in stage.of("streams")[2:-1] if line]
        assert names and all("news" in line for line in names)
        await stage.press("escape")
        assert stage.console.prompt.question is None
        assert any("uk-sport-1" in line for line in stage.of("streams"))


async def test_a_filter_that_was_entered_stays_and_says_when_nothing_is_left() -> None:
    async with staged() as stage:
        await stage.press("slash")
        await stage.type("zzz")
        assert any("no row contains “zzz”" in line for line in stage.of("streams"))
        await stage.press("slash", "escape")
        assert any("uk-sport-1" in line for line in stage.of("streams"))


async def test_slash_filters_log_lines_and_the_account_says_so() -> None:
    async with staged(view="logs") as stage:
        await stage.press("slash")
        await stage.type("8815")
        shown = stage.of("logs")
        assert sum("late by" in line for line in shown) == 1
        assert "“8815”" in shown[-1] and "received 38 211" in shown[-1]


async def test_equals_holds_the_log_still_and_lets_it_go() -> None:
    async with staged(view="logs") as stage:
        await stage.press("equals_sign")
        assert "PAUSED" in stage.of("logs")[-1]
        await stage.press("equals_sign")
        assert "PAUSED" not in stage.of("logs")[-1]


async def test_a_paused_log_stands_still_while_lines_come_and_counts_them() -> None:
    async with staged(view="logs") as stage:
        await stage.press("equals_sign")
        before = [line[:60] for line in stage.of("logs") if "segment" in line]
        for _ in range(5):
            stage.scene.ring.append(stage.scene.ring.line(stage.scene.ring.last_seq - 3))  # type: ignore[arg-type]
        await stage.turn(1.0)
        assert [line[:60] for line in stage.of("logs") if "segment" in line] == before
        assert "5 newer" in stage.of("logs")[-1]


async def test_scope_by_command_narrows_every_pane_and_adds_up() -> None:
    async with staged() as stage:
        await stage.press("colon")
        await stage.type("scope region=apac")
        assert stage.here == ("overview", "region=apac")
        assert "▸ region=apac" in stage.lines()[0]
        assert "4 live" in stage.of("streams")[0] and "4 pods" in stage.of("workloads")[0]
        await stage.press("colon")
        await stage.type("scope channel=syd-news-2")
        assert stage.here == ("overview", "region=apac channel=syd-news-2")
        await stage.press("escape")
        assert stage.here == ("overview", "region=apac")
        await stage.press("colon")
        await stage.type("scope clear")
        assert stage.here == ("overview", "")


async def test_a_misspelt_command_is_told_with_what_was_meant() -> None:
    complaints = (
        ("workload", "no command 'workload'; did you mean 'workloads'?"),
        ("strems", "no command 'strems'; did you mean 'streams'?"),
        ("xyzzy", "no command 'xyzzy'; ? lists them all"),
        ("scope", "scope is everything; say scope k=v, or scope clear"),
        ("scope regoin=apac", "scope 'regoin=apac' is not DIMENSION=VALUE with a known dimension"),
        ("theme noon", "no theme 'noon': night, high-contrast, mono"),
    )
    async with staged() as stage:
        for text, complaint in complaints:
            await stage.press("colon")
            await stage.type(text)
            assert isinstance(stage.app.screen, ConsoleScreen)
            assert told(stage)[-1].startswith(complaint)
        assert stage.here == ("overview", "")


async def test_a_scope_that_looks_like_markup_is_shown_as_it_is() -> None:
    async with staged() as stage:
        await stage.press("colon")
        await stage.type("scope channel=[bold]x")
        assert not told(stage)
        assert "▸ channel=[bold]x" in stage.lines()[0]


@pytest.mark.parametrize(
    ("text", "view"), [("workloads", "workloads"), ("view.capacity", "capacity"), ("last-view", "overview"), ("logs", "logs"), ("row.logs", "logs")]
)
async def test_a_command_does_what_its_key_does(text: str, view: str) -> None:
    async with staged() as stage:
        await stage.press("1", "colon")
        await stage.type(text)
        assert not told(stage)
        assert stage.here == (view, "service=packager-emea" if text == "row.logs" else "")


async def test_an_abandoned_command_does_nothing() -> None:
    async with staged() as stage:
        await stage.press("colon", "q", "u", "i", "t", "escape")
        assert not stage.app._exit and stage.here == ("overview", "")


async def test_the_prompt_offers_every_entry_every_dimension_and_every_theme() -> None:
    assert {entry.label.replace(" ", "-") for entry in ENTRIES} <= set(COMMANDS)
    assert {f"scope {dimension}=" for dimension in DIMENSIONS} <= set(COMMANDS)
    assert {f"theme {theme.name}" for theme in THEMES} <= set(COMMANDS)


async def test_T_walks_the_themes_and_the_painted_widgets_follow() -> None:
    async with staged() as stage:
        seen = []
        for _ in THEMES:
            seen.append((stage.app.theme, stage.console._head.paint.name))
            await stage.press("T")
        assert [name for name, _ in seen] == [theme.name for theme in THEMES]
        assert all(app == painted for app, painted in seen)
        assert stage.app.theme == THEMES[0].name


async def test_c_copies_of_a_stream_the_request_that_showed_its_fault_and_of_others_the_name() -> None:
    async with staged() as stage:
        await stage.press("c")
        assert stage.app.clipboard == "curl -sS -i --compressed --max-time 5 http://origin/live/uk-sport-1/master.m3u8"
        await stage.press("4", "c")
        assert stage.app.clipboard == "egress lhr"


async def test_q_leaves() -> None:
    async with staged() as stage:
        await stage.pilot.press("q")
        assert stage.app._exit


# -- the registry is all there is -------------------------------------------------------------------------------------
@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_every_entry_of_the_registry_has_an_action_with_fitting_arguments(entry: object) -> None:
    name, _, arguments = entry.action.partition("(")  # type: ignore[attr-defined]
    action = getattr(ConsoleScreen, f"action_{name}", None)
    assert action is not None, f"{entry} leads nowhere"
    values = eval(f"({arguments.removesuffix(')')},)") if arguments else ()  # our own registry, read as Textual reads it
    inspect.signature(action).bind(None, *values)
    if name == "view":
        assert values[0] in VIEWS and (values[0] in PANES or values[0] == "overview")


def test_keys_names_and_words_are_each_given_once_and_everything_is_told() -> None:
    assert len({entry.key for entry in ENTRIES}) == len({entry.name for entry in ENTRIES}) == len(ENTRIES)
    assert all(entry.help and entry.label and entry.shown and entry.group for entry in ENTRIES)
    remote = [entry for entry in ENTRIES if entry.danger is Danger.REMOTE]
    assert [entry.key for entry in remote] == ["a", "S"] and all(entry.guard and entry.undo for entry in remote)


def bound(node: type[DOMNode]) -> dict[str, str]:
    """Keys a class binds itself, with their actions."""
    found = {}
    for binding in node.__dict__.get("BINDINGS", ()):
        assert isinstance(binding, Binding)
        found |= dict.fromkeys(binding.key.split(","), binding.action)
    return found


def test_the_console_binds_exactly_the_registry() -> None:
    assert bound(ConsoleScreen) == {entry.key: entry.action for entry in ENTRIES}


@pytest.mark.parametrize("widget", [Lines, Table, LogView, Board, Timeline], ids=lambda widget: widget.__name__)
def test_a_widgets_keys_resolve_and_take_nothing_from_the_registry_but_what_means_the_same(widget: type[Widget]) -> None:
    by_key = {entry.key: entry.name for entry in ENTRIES}
    same = {"enter": "row.open", "equals_sign": "pane.pause"}  # open what is under the cursor; hold still
    for key, action in bound(widget).items():
        assert hasattr(widget, f"action_{action.partition('(')[0]}"), (key, action)
        assert key not in by_key or same.get(key) == by_key[key], f"{widget.__name__} takes {key!r} from {by_key[key]}"


async def test_a_key_that_nobody_knows_does_nothing() -> None:
    async with staged() as stage:
        before = stage.text
        known = {key for each in (ConsoleScreen, Lines, Table) for key in bound(each)}
        for key in (*"abfhimoruwxyABCDEFHIJKLMOPQRSUVWXYZ678", "f1", "ctrl+p", "ctrl+q", "ctrl+c", "delete", "backspace"):
            if key not in known:
                await stage.send(key)
        await stage.settle()
        assert stage.here == ("overview", "") and not stage.app._exit
        assert not told(stage)
        assert stage.text == before


# -- sizes ------------------------------------------------------------------------------------------------------------
SIZES = ((120, 36), (80, 24), (240, 67), (40, 200), (20, 5), (1, 1), (400, 3), (120, 36))


@pytest.mark.parametrize("view", [*VIEWS])
async def test_no_size_is_too_small_or_too_large(view: str) -> None:
    async with staged(view=view) as stage:
        before = stage.text
        for width, height in SIZES if view == OVERVIEW else SIZES[-4:]:
            await stage.resize(width, height)
            await stage.until(lambda: [strip.cell_length for strip in stage.strips()] == [width] * height)  # noqa: B023
            assert [strip.cell_length for strip in stage.strips()] == [width] * height
        await stage.until(lambda: stage.text == before)
        assert stage.text == before


async def test_where_there_is_room_the_streams_have_more_columns_and_help_tells_them() -> None:
    async with staged(view="streams", size=(240, 67)) as stage:
        assert "RENDITIONS" in stage.of("streams")[1] and "LAST CHANGE" in stage.of("streams")[1]
        await stage.press("question_mark")
        assert "packets lost for good" in await page_text(stage)
        await stage.press("escape")
        await stage.resize(120, 36)
        await stage.until(lambda: "RENDITIONS" not in stage.of("streams")[1])
        assert "RENDITIONS" not in stage.of("streams")[1] and "WHY" in stage.of("streams")[1]


@pytest.mark.parametrize("key", ["question_mark", "v", "colon", "slash"])
async def test_a_page_or_a_prompt_survives_every_size(key: str) -> None:
    async with staged() as stage:
        await stage.press(key)
        before = stage.text
        for width, height in ((20, 5), (1, 1), (240, 67), (120, 36)):
            await stage.resize(width, height)
        await stage.until(lambda: stage.text == before)
        assert stage.text == before
        await stage.press("escape")
        assert isinstance(stage.app.screen, ConsoleScreen)


async def test_a_filter_that_hides_critical_rows_says_so_under_them() -> None:
    async with staged() as stage:
        await stage.press("slash")
        await stage.type("syd")
        foot = " ".join(stage.of("streams")[-2:])
        assert "FILTER “syd”: 1 of 10 shown" in foot


async def test_at_80_columns_a_long_scope_is_cut_before_the_counts_are() -> None:
    async with staged(size=(80, 24), scope=Scope.parse(["service=packager-emea", "pod=packager-emea-7c9d8b5f6d-x2k40"])) as stage:
        head = stage.lines()[0]
        assert "CRIT" in head and "▸ service=packager" in head and "UTC" in head


async def test_keys_typed_at_once_act_each_on_the_view_that_the_one_before_led_to() -> None:
    async with staged(size=(80, 24)) as stage:
        for key in ("1", "p"):
            stage.app.post_message(events.Key(key, key))
        await stage.settle()
        await stage.until(lambda: stage.here[0] == "workloads")
        assert stage.here == ("workloads", "channel=uk-sport-1 service=packager-emea")
        assert not told(stage)
