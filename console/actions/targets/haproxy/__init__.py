"""The runtime API of HAProxy balancers: one line to one balancer, and what it answers. It has no users, no compare-and-set
and no memory beyond a reload, so every balancer is read, compared, told and looked at by itself.
"""
