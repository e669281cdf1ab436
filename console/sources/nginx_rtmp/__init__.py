"""nginx-rtmp's own page of statistics, asked and not scraped: the most that anybody tells of an RTMP contribution.

`page` reads the XML of one answer, old form and new, and trusts none of it; `source` asks again and again and tells what
only several answers show: a publisher that came back, frames that were dropped, a stream whose publisher is gone.

What must not be done here: no tree of a foreign document (expat is led by hand, bounded), no DOCTYPE, no verdicts.
"""
