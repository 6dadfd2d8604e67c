"""Chaos: every visit told twice and out of order, every process killed, the queue emptied, both providers misbehaving.

`python -m tests.chaos` plays it at full length; `test_chaos.py` is short and part of the suite.
"""
