"""`make bench`: the gateway against a hand-written floor over the same tables, in one run.

See docs/performance.md for what is measured and how to read it.
"""
