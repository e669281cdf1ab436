"""The audit journal: what was planned, confirmed, done, lost and undone, in a form that tells when it was touched.

One chain a process: `<host>-<boot>-<pid>.jsonl`, JSON Lines in canonical bytes, each record holding the hash of the one
before. Only the process that created a chain ever writes to it, under a lock held for life; a dead process's chain is
left as it is, torn line and all, and whoever carries its operation on writes into a chain of his own. So no writer ever
repairs, truncates or continues anything, and every doubt stays visible. Readers merge the chains.

What the chain proves: any byte changed, any record removed, inserted, swapped or repeated between its first record and its
last is found and named. What it cannot prove: that nothing was cut off at its end, at the boundary of a record, and that
its owner did not write all of it anew. For that there are signed checkpoints (`signing.py`) that another host collects.
A chain that ends with its closing record has told its end itself; one held by a living process is still growing, and its
writer stops as soon as the file is not as it left it.

Written with fsync behind every acknowledgement, off the loop, in one thread. After the first error of the disk nothing is
written any more: fsync is never tried again, since a kernel that lost a page tells it once.

What must not be done here: a field that can hold anything (a dict, raw bytes, a client's headers): records are closed
structs, so that a credential has nowhere to go; an entry whose effect is not derived in `derive.py`; a repair.
"""
