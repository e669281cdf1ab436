"""What people read elsewhere: a snapshot as a message, and its way to Slack, Feishu, a webhook and the rest.

A message is made once, pure, from a digest (`composing.py`): redacted first, inert second, and only then fitted to what a
service takes by leaving out the least important lines (`message.py`). It is then a letter in a queue on the disk
(`store.py`), and whoever posted is done; a carrier per destination (`carrier.py`) takes letters out of the queue at the pace
of the service's adapter, one file each, until each is delivered or given up and told.

At least once: what was sent and never acknowledged is sent again, under the same id. What must not be done here: wait for a
network in the caller's turn, hold text back for a picture, put foreign text anywhere but into fields that a service takes
for plain text, name a secret in a letter, a log line or an exception. Nothing here imports textual.
"""
