"""The Textual app: the frame, the screens, the key map. Face and engine meet here and nowhere below.

First paint comes before everything: this room imports textual and msgspec, the rows and the widgets, and no connector.
Sources are started after the first frame is on the screen.
"""
