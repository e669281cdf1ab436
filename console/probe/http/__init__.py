"""HTTP/1.1 as the prober asks it: one question on one connection, its answer stamped at the socket.

It is our own because a prober's budget is the question itself: three hundred polls in two seconds, each a few hundred bytes.
A general client spends most of that on what a prober never uses (cookies, middlewares, streams that wait for a reader, a task
for each timeout), stamps no times where the bytes arrive, and costs more to import than the whole prober: aiohttp took 0.29 ms
of CPU a poll and 265 ms to import, this 0.19 ms (0.10 on uvloop) and 20 ms, measured in turns (docs/bench.md). The parser is
not ours: `httptools` is llhttp, which is strict about what smuggles (two Content-Lengths, Content-Length beside chunks, line
ends, garbage after numbers).

`question.py` the words in and out; `request.py` a question as bytes; `exchange.py` bytes as an answer, without a socket, so
that every malice can be fed to it; `connection.py` the socket; `pool.py` the connections to one place; `names.py` what a host
name resolves to, and which addresses are out of bounds.

What must not be done here: follow a redirect (fetch.py decides where the prober may go), wait for anything without a
deadline, hold more of a body than its limit, or open anything that is not a TCP connection.
"""
