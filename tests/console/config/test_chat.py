"""[chat.NAME]: what each kind needs, and what means nothing to it."""

from __future__ import annotations

import msgspec
import pytest

from console.config.chat import ChatDestination, ChatKind, destination, destinations

WELL = {
    ChatKind.SLACK: {"token_file": "t", "channel": "C1"},
    ChatKind.SLACK_WEBHOOK: {"url_env": "HOOK"},
    ChatKind.FEISHU: {"url_file": "u", "secret_file": "s", "app_id": "cli_1", "app_secret_command": ["pass"]},
    ChatKind.LARK: {"url_command": ["pass", "lark"]},
    ChatKind.WEBHOOK: {"url": "https://robot.example/take", "secret_file": "s", "token_env": "T"},
    ChatKind.APPRISE: {"url_file": "u"},
}


def wrongs(**table: object) -> list[str]:
    return [f"{'.'.join(map(str, path))}: {what}" for path, what in destination(table)]


@pytest.mark.parametrize("kind", list(ChatKind))
def test_what_is_enough_for_each_kind_is_no_mistake(kind: ChatKind) -> None:
    table = {"kind": kind.value, **WELL[kind]}
    assert wrongs(**table) == []
    assert msgspec.convert(table, ChatDestination).kind is kind


@pytest.mark.parametrize("kind", list(ChatKind))
def test_each_kind_says_what_is_missing(kind: ChatKind) -> None:
    told = " ".join(wrongs(kind=kind.value))
    assert "missing" in told or "name the place of it" in told


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"kind": "slack", "token_file": "t", "token_env": "T", "channel": "C"}, "token_env: is given twice: `token_file` is there already"),
        ({"kind": "slack", "token_file": "t"}, "channel is missing"),
        ({"kind": "slack-webhook", "url_file": "u", "channel": "C"}, "channel: means nothing to slack-webhook"),
        ({"kind": "slack-webhook", "url": "https://hooks.slack.com/x"}, "url: means nothing to slack-webhook"),
        ({"kind": "feishu", "url_file": "u", "app_id": "cli"}, "app_id and its app_secret_file"),
        ({"kind": "feishu", "url_file": "u", "app_secret_file": "s"}, "app_id and its app_secret_file"),
        ({"kind": "webhook", "url": "https://x.example", "url_file": "u"}, "url_file: the address is given twice"),
        ({"kind": "apprise", "url_file": "u", "secret_file": "s"}, "secret_file: means nothing to apprise"),
    ],
)
def test_what_does_not_go_together_is_told_at_its_key(table: dict[str, object], told: str) -> None:
    assert any(told in each for each in wrongs(**table)), wrongs(**table)


def test_a_kind_that_is_none_is_told_once_elsewhere() -> None:
    assert wrongs(kind="irc") == [] and wrongs() == []


def test_a_name_is_a_directory_s_name() -> None:
    assert [path for path, _ in destinations({"chat": {"on-call_2": {}, "../up": {}, "a b": {}, "": {}}})] == [
        ("chat", "../up"), ("chat", "a b"), ("chat", ""),
    ]  # fmt: skip


def test_a_destination_shows_no_secret() -> None:
    shown = repr(msgspec.convert({"kind": "slack", "token_file": "/run/token", "channel": "C1"}, ChatDestination))
    assert "/run/token" in shown
