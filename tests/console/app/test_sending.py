"""The page of `S`: shown first, to the letter; posted by one enter; and then it says what became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.app.pivots import Place
from console.app.sending import Draft, NotSent, SendingScreen, Step, exactly
from console.model.cell import Tone
from console.model.scope import Scope
from tests.hand_clock import START
from tests.stage import Stage, staged
from widgets.cells import width

TEXT = "demo · 02:14 UTC · CRIT (1 critical)\n\nStreams\nCRIT uk-sport-1  stale  at 3 of 4 edges\n\n" + "\n".join(
    f"line {number}" for number in range(60)
)


class Scripted:
    """A courier that says what it is told to, and keeps what it is given to send."""

    def __init__(self, *names: str, refusal: str = "") -> None:
        self.refusal = refusal
        self.names = names
        self.places: list[Place] = []
        self.sent: list[Draft] = []
        self.ending: Step | Exception = Step("mw-1 arrived at oncall", Tone.ACCENT, is_over=True)

    async def drafts(self, place: Place) -> Sequence[Draft]:
        self.places.append(place)
        if self.refusal:
            raise NotSent(self.refusal)
        return [
            Draft(
                id="mw-1", destination=name, kind="slack", text=f"{TEXT}\n{name}", size=1432, left_out=3, taken_at=START,
                picture="a picture of 120x36" if name == "oncall" else "", no_picture="it takes none",
            )
            for name in self.names
        ]  # fmt: skip

    async def send(self, draft: Draft, told: Callable[[Step], None]) -> None:
        self.sent.append(draft)
        told(Step("mw-1 is on the disk, and on its way to oncall"))
        if isinstance(self.ending, Exception):
            raise self.ending
        told(self.ending)


async def page(stage: Stage, so: Callable[[SendingScreen], bool] = lambda each: each.draft is not None) -> SendingScreen:
    screen = stage.app.screen
    assert isinstance(screen, SendingScreen), stage.text
    await stage.until(lambda: so(screen))
    assert so(screen), stage.text
    return screen


def notices(stage: Stage) -> list[str]:
    return [notice.message for notice in stage.app._notifications]


async def test_s_shows_what_would_be_posted_enter_posts_it_and_it_is_said_what_became_of_it() -> None:
    courier = Scripted("oncall", "hook")
    async with staged(scope=Scope.parse(["region=emea"]), courier=courier) as stage:
        await stage.press("1", "S")
        screen = await page(stage)
        assert courier.places == [Place("streams", Scope.parse(["region=emea"]))] and not courier.sent
        said = ("snapshot of streams ▸ region=emea", "to oncall · slack (1 of 2)", "text 1.4kB", "3 lines left out")
        for words in (*said, "a picture of 120x36 follows", "enter posts this", "CRIT uk-sport-1  stale  at 3 of 4 edges"):
            assert words in stage.text
        await stage.press("G")
        assert "line 59" in stage.text  # all of it can be read
        await stage.press("enter")
        await page(stage, lambda each: each.step.is_over)
        assert courier.sent == [screen.draft] and "mw-1 arrived at oncall" in stage.text
        await stage.press("enter")  # once
        await stage.press("escape")
        assert stage.here == ("streams", "region=emea")
    assert len(courier.sent) == 1


async def test_tab_goes_to_the_next_destination_and_esc_posts_nothing() -> None:
    courier = Scripted("oncall", "hook")
    async with staged(courier=courier) as stage:
        await stage.press("S")
        await page(stage)
        await stage.press("tab")
        assert "to hook · slack (2 of 2)" in stage.text and "no picture: it takes none" in stage.text
        await stage.press("escape")
        assert not isinstance(stage.app.screen, SendingScreen)
    assert not courier.sent


async def test_of_a_channel_the_page_of_the_channel_is_the_place() -> None:
    courier = Scripted("oncall")
    async with staged(view="channel", scope=Scope.parse(["channel=uk-sport-1"]), courier=courier) as stage:
        await stage.press("S")
        await page(stage)
    assert courier.places == [Place("channel", Scope.parse(["channel=uk-sport-1"]))]


async def test_what_is_old_says_so_and_r_takes_it_anew() -> None:
    courier = Scripted("oncall")
    async with staged(courier=courier) as stage:
        await stage.press("S")
        screen = await page(stage)
        await stage.turn(70)
        screen.on_resize()
        await stage.settle()
        assert "70s ago" in stage.text
        await stage.press("r")
        await page(stage, lambda _: len(courier.places) == 2)
    assert not courier.sent


async def test_why_nothing_may_be_posted_is_said_and_enter_means_nothing() -> None:
    courier = Scripted(refusal="no role of mei (viewer) may post to oncall")
    async with staged(size=(80, 24), courier=courier) as stage:
        await stage.send("S")
        await stage.press("enter")
        await page(stage, lambda each: "may post" in each.step.words)
        await stage.press("enter")
        assert "no role of mei (viewer) may post to oncall" in stage.text and "r tries again" in stage.text
    assert not courier.sent


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        pytest.param(NotSent("no space left on the disk"), "nothing was posted to oncall: no space left", id="not-sent"),
        pytest.param(RuntimeError("secret words"), "a fault of midwatch itself: RuntimeError", id="fault"),
    ],
)
async def test_what_went_wrong_is_said_on_the_page(ending: Exception, told: str) -> None:
    courier = Scripted("oncall")
    courier.ending = ending
    async with staged(courier=courier) as stage:
        await stage.press("S")
        await page(stage)
        await stage.press("enter")
        await page(stage, lambda each: each.step.is_over)
        assert told in stage.text and "secret words" not in stage.text


async def test_without_a_chat_s_says_how_to_name_one() -> None:
    async with staged() as stage:
        await stage.press("S")
        assert any("[chat.NAME]" in each for each in notices(stage))


@given(st.text(st.sampled_from("ab 　日é😀 "), max_size=60), st.integers(2, 12))
def test_a_text_broken_for_the_page_is_the_text_again(text: str, cells: int) -> None:
    lines = exactly(text, cells)
    assert "".join(lines) == text and all(width(line) <= cells for line in lines)
