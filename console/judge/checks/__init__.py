"""One file per check: what the memory says, as symptoms. A check knows nothing of other vantages; attribution
does.

A check never decides whose fault a thing is and never looks at a clock other than `Sight.now`.
"""
