"""A real kube-apiserver for the tests of `tests/lab/test_kubernetes.py`: the scripts that build and run it, and what a test
needs to drive it. `cluster` ends it, starts it, makes its etcd forget and reads its audit log; `traffic` writes to it;
`gate` is a line to it that can be cut; `expected` says what the console must show, from the server's own JSON.

What must not be done here: decode with the product's own code. What it is compared with must not be made by it.
"""
