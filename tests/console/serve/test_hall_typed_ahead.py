"""Keys that a slow line bundles: over real SSH, in one packet."""

from __future__ import annotations

from console.serve.hall.driver import BEFOREHAND, SLICE
from tests.console.serve.test_hall import House, engine, house, until  # noqa: F401 - fixtures


async def test_a_command_in_one_packet_is_done_and_q_after_a_prompts_key_is_a_letter(house: House) -> None:  # noqa: F811
    terminal = await house.console()
    session = house.hall.sessions[0]
    terminal.channel.write(b":scope region=emea\r:sources\r")
    await until(lambda: session.view == "sources")
    app = session.app
    assert app is not None and str(app.console_screen.place.scope) == "region=emea"
    terminal.channel.write(b":q")
    prompt = app.console_screen.prompt
    await until(lambda: prompt.question is not None and prompt.value)
    assert app.is_running and prompt.value == "q"


async def test_keys_that_wait_for_their_turn_keep_the_session_from_being_read(house: House) -> None:  # noqa: F811
    terminal = await house.console()
    app, seat = house.hall.sessions[0].app, house.hall.sessions[0]._seat
    assert app is not None and seat is not None
    app.keyboard.hold()
    try:
        terminal.channel.write(b"j" * 20_000)
        await until(lambda: app.keyboard.waiting + len(seat._heard) + len(seat._waiting) == 20_000)
        assert BEFOREHAND <= app.keyboard.waiting <= BEFOREHAND + SLICE
    finally:
        app.keyboard.forget()
        app.keyboard.release()
