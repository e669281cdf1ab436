"""The soak: the wall over a site whose backends die and come back, in a time that does not wait.

`world.py` is the site and its sources, on the real engine (hub, feeds, judge, desk); `running.py` runs an app over it and
compares what stands on its screen with what the world is.
"""
