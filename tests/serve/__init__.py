"""The console over SSH, as those who use it get it: a `midwatch serve` child over the embedded platform, and OpenSSH's own client.

Keys, the authority and its certificates are made by ssh-keygen in a folder of the test's; the client reads no configuration
of the machine's, trusts one known_hosts file, offers one key, and asks nobody. What is a property of the protocol is tested with
`asyncssh` nowhere in here but in the fuzzer: a client and a server of one library could share a mistake. Slow links are made by
us (`slowly.py`, one TCP connection shaped; `air.py`, IP packets between two network namespaces, with real losses), because
`tc netem` is not on every kernel; which was used is printed with every figure.
"""
