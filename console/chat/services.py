"""Which service a destination is. The only place that knows them all."""

from __future__ import annotations

from collections.abc import Mapping

from console.chat.elsewhere import Elsewhere
from console.chat.feishu import APIS, Feishu
from console.chat.keys import Keys
from console.chat.service import Service
from console.chat.slack import Slack
from console.chat.slackhook import SlackHook
from console.chat.webhook import Webhook
from console.chat.wire import Wire
from console.config.chat import ChatDestination, ChatKind
from console.model.instant import Clock
from console.redaction.redactor import Redactor


def service_of(destination: ChatDestination, environ: Mapping[str, str], redactor: Redactor, clock: Clock) -> Service:
    """Nothing is connected or read by this."""
    keys = Keys(destination, environ, redactor)
    if destination.kind is ChatKind.APPRISE:
        return Elsewhere(keys)
    wire = Wire(ca_file=destination.ca_file, proxy=destination.proxy, timeout_s=destination.timeout_s)
    match destination.kind:
        case ChatKind.SLACK:
            return Slack(keys, wire, destination.channel or "", destination.url)
        case ChatKind.SLACK_WEBHOOK:
            return SlackHook(keys, wire)
        case ChatKind.FEISHU | ChatKind.LARK:
            api = destination.url or APIS[destination.kind.value]
            return Feishu(keys, wire, clock, api, destination.app_id)
        case _:
            return Webhook(keys, wire, clock)
