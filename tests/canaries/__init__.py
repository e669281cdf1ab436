"""A site with a canary in every place where a secret can stand, and the search for them in everything that comes out.

A canary is a text that stands in exactly one place (`bird.py`), so that whoever finds one knows the way it took. `planted.py`
writes a configuration that has one wherever the schema of the configuration has room for a secret: it walks the types, so that a
new field without a canary fails a test. `hostile.py` is the platform of that site: real servers on loopback that put canaries
into log lines, pods, alerts and errors, and quote what they were shown. `searching.py` looks for them, in every spelling.
Nothing here knows what midwatch does about secrets: no redaction may be imported.
"""
