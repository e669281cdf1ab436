"""A message as Slack's blocks. Foreign text stands only in plain_text objects and in text elements of rich_text, where Slack
parses nothing; what stands in the notification's `text` is escaped besides.

Limits (documented: 50 blocks, 150 characters of a header, 3000 of a text object; measured by others: a message of 15,561
bytes of blocks and 9,597 characters passed, one of 11,341 was refused with msg_blocks_too_long).
"""

from __future__ import annotations

from typing import Any

import msgspec

from console.chat.message import Message, fitted, late
from console.chat.shown import Shown

BLOCKS, HEADER, TEXT = 50, 150, 3000
CHARACTERS, BYTES = 9000, 14_000  # of all blocks
NOTIFICATION = 300


def escaped(text: str) -> str:
    """The three characters that Slack gives a meaning to."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def said(message: Message, late_s: float) -> dict[str, Any]:
    """`text` and `blocks` of a message, within every limit."""
    return _said(_fit(message, late_s), late_s)


def _fit(message: Message, late_s: float) -> Message:
    return fitted(message, lambda each: _fits(_blocks(each, late_s)))


def _said(fit: Message, late_s: float) -> dict[str, Any]:
    head = fit.head if len(fit.head) <= NOTIFICATION else fit.head[: NOTIFICATION - 1] + "…"
    return {"text": escaped(head), "blocks": _blocks(fit, late_s)}


def shown(message: Message) -> Shown:
    """The texts of the blocks as a channel shows them."""
    fit = _fit(message, 0.0)
    told = _said(fit, 0.0)
    lines: list[str] = []
    for block in told["blocks"]:
        if block["type"] == "rich_text":
            lines += ["", *"".join(part["text"] for part in block["elements"][0]["elements"]).split("\n")]
        elif block["type"] == "context":
            lines += ["", *(each["text"] for each in block["elements"])]
        else:
            lines.append(block["text"]["text"])
    return Shown("\n".join(lines), len(msgspec.json.encode(told)), fit.left_out)


def _blocks(message: Message, late_s: float) -> list[dict[str, Any]]:
    head = message.head if len(message.head) <= HEADER else message.head[: HEADER - 1] + "…"
    found: list[dict[str, Any]] = [{"type": "header", "text": _plain(head)}]
    for section in message.sections:
        lines = "\n".join(line.text for line in section.lines)
        found.append(
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_section",
                        "elements": [
                            {"type": "text", "text": f"{section.title}\n", "style": {"bold": True}},
                            {"type": "text", "text": lines},
                        ],
                    }
                ],
            }
        )
    foot = " · ".join(part for part in (late(late_s), message.foot) if part)
    found.append({"type": "context", "elements": [_plain(foot)]})
    return found


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _fits(blocks: list[dict[str, Any]]) -> bool:
    texts = _texts(blocks)
    return (
        len(blocks) <= BLOCKS
        and all(len(text) <= TEXT for text in texts)
        and sum(map(len, texts)) <= CHARACTERS
        and len(msgspec.json.encode(blocks)) <= BYTES
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for each in value.values() if not isinstance(each, str) for text in _texts(each)]
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return []
