"""The bell that Alertmanager rings: its webhook becomes a thread in a chat, with words at once and a picture behind them.

On the way in everything is bounded and nothing is believed: who rings is known before a byte of the body is kept (`port.py`),
a notification is read alert by alert (`notification.py`), what is news is decided by what was heard before (`book.py`), and
200 is said only once that is on the disk (`journal.py`). On the way out one teller a destination (`teller.py`) makes few
messages of much news: a thread for each group of alerts, one thread for a storm, texts that count every alert; and it waits
where the chat does not keep up. What is seen of the alert (`looking.py`) is a digest of the running engine; its picture is
drawn by a child process from redacted panes (`still.py`, `drawing.py`), because an app costs the loop of `serve` a fifth of a
second.

What must not be done here: answer before the disk has it, make a message for each alert, let a label or an annotation past the
redactor, say anything of a credential, wait for a chat service in the caller's turn.
"""
