"""Golden screens: what a screen must say, and the comparison with how it looked when somebody last agreed to it.

A screen's sentence and facts stand in `shots.py`; its text stands beside it as NAME.txt and is written only with
MIDWATCH_GOLDEN=write. The facts are checked without the file, so that writing a golden anew cannot make a wrong screen right.
"""
