"""`snapshot --post`: the digest of an engine and its picture, in a chat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from console.assembly import Engine
from console.commands.delivering import delivered, known
from console.commands.flags import Flags, UsageError
from console.commands.opening import Opened
from console.config.chat import ChatDestination
from console.config.root import Config
from console.config.site import Site
from console.exit_codes import ExitCode
from console.feeds.clock import SystemClock
from console.model.scope import Scope
from console.snapshot import session
from tests.chat.slack import CHANNEL, PNG, TOKEN, Slack
from tests.hand_clock import HandClock


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    server = Slack(HandClock())
    await server.start()
    yield server
    await server.stop()


def opened(tmp_path: Path, slack: Slack, **more: Any) -> Opened:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    told = {"kind": "slack", "url": f"{slack.url}/api", "token_file": str(token), "channel": CHANNEL, **more}
    config = Config(sites={"apac": Site()}, chat={"oncall": msgspec.convert(told, ChatDestination)})
    return Opened(path=tmp_path / "config.toml", config=config, site_name="apac", site=config.sites["apac"])


async def sent(found: Opened, tmp_path: Path) -> ExitCode:
    environ = {"XDG_STATE_HOME": str(tmp_path / "state"), "HOME": str(tmp_path)}
    engine = Engine.open(found.config, None, SystemClock(), environ)
    try:
        with session(engine.desk, "apac", "overview", Scope()) as taking:
            digest = await taking.settled(1)
            return await delivered(found, Flags(), environ, engine, digest, "oncall", (100, 30))
    finally:
        await engine.close()


async def test_text_and_picture_arrive_and_it_is_said(tmp_path: Path, slack: Slack, capsys: pytest.CaptureFixture[str]) -> None:
    assert await sent(opened(tmp_path, slack), tmp_path) is ExitCode.OK
    assert len(slack.messages) == len(slack.pictures) == 1 and slack.pictures[0][0].startswith(PNG)
    assert "arrived at oncall" in capsys.readouterr().err and not slack.complaints
    assert (tmp_path / "state" / "midwatch" / "chat" / "oncall").stat().st_mode & 0o777 == 0o700


async def test_what_is_refused_is_told_and_ends_with_unreachable(
    tmp_path: Path, slack: Slack, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await sent(opened(tmp_path, slack, channel="C999"), tmp_path) is ExitCode.UNREACHABLE
    assert "channel_not_found" in capsys.readouterr().err


def test_a_destination_that_is_not_there_is_a_mistake_of_usage(tmp_path: Path, slack: Slack) -> None:
    with pytest.raises(UsageError, match="did you mean `oncall`"):
        known(opened(tmp_path, slack).config, "oncal")
