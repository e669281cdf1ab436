"""From the fleet to one channel and back, by keys alone; and the order that stands still while one moves."""

from __future__ import annotations

import re

import msgspec

from console.model.metric import ChannelMetrics
from tests.stage import staged

SIZES = ((240, 67), (40, 200), (20, 5), (1, 1), (400, 3), (120, 36))


async def test_enter_opens_the_page_of_a_channel_and_escape_leads_back_to_its_row() -> None:
    async with staged() as stage:
        await stage.press("down", "down", "enter")
        assert stage.here == ("channel", "channel=fr-news-1")
        assert "fr-news-1 · 0/5 renditions · 5 findings" in stage.of("channel")[0]
        await stage.press("escape")
        assert stage.here == ("overview", "")
        assert stage.console.selection is not None and stage.console.selection.name == "fr-news-1"


async def test_the_keys_of_the_page_are_about_the_finding_under_the_cursor() -> None:
    async with staged(view="streams") as stage:
        await stage.press("enter")
        await stage.press("down", "v")
        page = stage.text
        assert "evidence · uk-sport-1" in page and "720p stale at the origin" in page and "1080p stale" not in page.split("evidence")[1]
        await stage.press("escape", "c")
        assert stage.app.clipboard == "curl -sS -i --compressed --max-time 5 http://origin/live/uk-sport-1/master.m3u8"
        for key, there in (
            ("l", ("logs", "channel=uk-sport-1 service=packager-emea")),
            ("p", ("workloads", "channel=uk-sport-1 service=packager-emea")),
            ("t", ("incidents", "channel=uk-sport-1")),
        ):
            await stage.press(key)
            assert stage.here[0] == there[0] and set(stage.here[1].split()) <= set(there[1].split()), key
            await stage.press("escape")
            assert stage.here == ("channel", "channel=uk-sport-1")
        selection = stage.console.selection
        assert selection is not None and selection.row.finding.rendition == "720p", "the cursor is where it was left"
        await stage.press("e")
        assert "events · uk-sport-1" in stage.text and "Back-off restarting" in stage.text


async def test_tab_walks_the_parts_of_the_page_and_the_arrows_move_the_matrix() -> None:
    async with staged(size=(80, 24), view="streams") as stage:
        await stage.press("enter")
        assert "edge-iad" not in stage.text
        await stage.press("tab", "right", "right")
        assert "edge-iad" in stage.text and "1080p" in stage.text
        await stage.press("tab")
        assert stage.console.pane_in_front.has_focus_within
        await stage.press("tab", "down")
        assert stage.console.selection is not None and stage.console.selection.row.finding.rendition == "720p"


async def test_another_channel_begins_with_its_own_worst_finding() -> None:
    async with staged(view="streams") as stage:
        await stage.press("enter")
        await stage.press("down", "down", "escape", "down", "enter")
        selection = stage.console.selection
        assert stage.here == ("channel", "channel=uk-news-1")
        assert selection is not None and (selection.name, selection.row.finding.rendition) == ("uk-news-1", "1080p")


async def test_a_scope_opened_again_leads_from_one_channel_to_all_of_them() -> None:
    async with staged(view="streams") as stage:
        await stage.press("enter")
        await stage.press("colon")
        await stage.type("scope clear")
        assert stage.here == ("streams", "")


async def test_a_healthy_channel_has_a_page_that_says_so_and_1_leads_to_all_of_them() -> None:
    async with staged(view="streams") as stage:
        await stage.press("end", "enter")
        assert stage.here == ("channel", "channel=us-sport-1")
        assert any("no finding: nothing is held against it" in line for line in stage.of("channel"))
        await stage.press("c")
        assert stage.app.clipboard.endswith(" http://origin/live/us-sport-1/master.m3u8")
        await stage.press("1")
        assert stage.here == ("streams", "")


async def test_the_page_says_why_when_its_feed_fails_and_help_tells_what_its_cells_mean() -> None:
    async with staged(view="streams") as stage:
        await stage.press("enter")
        stage.scene.fail("streams", keep=True)
        await stage.turn(34.0)
        page = "\n".join(stage.of("channel"))
        assert re.search(r"error · last 3[34]s ago", page) and re.search(r"ERROR shown as of 3[34]s ago · connection refused", page)
        await stage.press("question_mark", "G")
        assert "nothing is held against it; its newest segment is 0.9 T old" in stage.text


async def test_while_one_moves_the_order_is_held_and_the_head_says_so_until_a_key_lets_it_go() -> None:
    async with staged(view="streams") as stage:
        await stage.press("down")
        assert "order held" in stage.of("streams")[0]
        before = [line[3:15].strip() for line in stage.of("streams")[2:12]]
        feed = stage.scene.feeds["streams"]
        value = feed.topic.reading.value
        worse = msgspec.structs.replace(value.verdicts["uk-sport-1"], channel="jp-music-1")
        crowd = {"jp-music-1": ChannelMetrics(viewers=9e9)}
        changed = msgspec.structs.replace(value, verdicts={**value.verdicts, "jp-music-1": worse}, metrics={**value.metrics, **crowd})
        feed.set(msgspec.structs.replace(feed.topic.reading, value=changed))
        await stage.settle()
        rows = stage.of("streams")[2:12]
        assert [line[3:15].strip() for line in rows] == before
        assert next(line for line in rows if "jp-music-1" in line).startswith(" C"), "that it is critical now is told where it stands"
        await stage.press("equals_sign")
        assert "order held" not in stage.of("streams")[0]
        assert stage.of("streams")[2][3:].startswith("jp-music-1")
        assert stage.console.selection is not None and stage.console.selection.name == "uk-news-1", "the cursor kept its row"


async def test_no_size_is_too_small_or_too_large_for_the_page_of_a_channel() -> None:
    async with staged(view="streams") as stage:
        await stage.press("enter")
        before = stage.text
        for width, height in SIZES:
            await stage.resize(width, height)
            await stage.until(lambda: [strip.cell_length for strip in stage.strips()] == [width] * height)  # noqa: B023
            assert [strip.cell_length for strip in stage.strips()] == [width] * height
        await stage.until(lambda: stage.text == before)
        assert stage.text == before
