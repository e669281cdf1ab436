"""A child: a Textual app of one word that stays."""

from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    """As little as there can be."""

    def compose(self) -> ComposeResult:
        yield Static("bare")


if __name__ == "__main__":
    Bare().run()
