"""What must not leave: secrets, taken out of everything that is made to be shown to others, before anything is made of it.

`known` finds the secrets that the configuration names; `redactor` takes them, and all that has the shape of one, out of a text;
`veil` puts it before the desk, so that panes, digests and pictures are made of what was treated already: hiding a secret in a
finished picture would be too late. Snapshots, chat and the bell stand on it; the screen of the console does not, whose engineer
wants to read what was logged.

What must not be done here: decide who may see what (that is `model/sight.py`); send anything.
"""
