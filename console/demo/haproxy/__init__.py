"""Two HAProxy balancers: the runtime API of 2.6 as text over TCP, and sessions that follow the weights.

`layout` is their configuration file, `balancer` one process (weights, states, counters, and what a reload
forgets), `stat` and `state` the tables it prints, `command` the words it understands, `usage` what it says to the
others, `port` the socket. Each balancer is on its own, as in life: nothing here compares the two, and a command
changes one. There is no compare-and-set and none may be added: the console has to do without. The texts and
columns were compared byte by byte with Debian 12's 2.6.12.
"""
