"""Which pane shows which view."""

from __future__ import annotations

from views.actions import ActionsPane
from views.capacity import CapacityPane
from views.channel import ChannelPane
from views.incidents import IncidentsPane
from views.logs import LogsPane
from views.pane import PaneView
from views.sources import SourcesPane
from views.streams import StreamsPane
from views.workloads import WorkloadsPane

_ALL = (
    StreamsPane, ChannelPane, LogsPane, WorkloadsPane, CapacityPane, IncidentsPane, ActionsPane, SourcesPane,
)  # fmt: skip
PANES: dict[str, type[PaneView]] = {each.VIEW: each for each in _ALL}
