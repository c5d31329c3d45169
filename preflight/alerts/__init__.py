"""Alerts that arrive: what a run has to say, to whom, how often, and what becomes of it.

`policy` decides, `message` writes, `telegram` and `history` deliver, `spool` keeps what was not delivered, `dispatch`
puts them in order, `stage` is what the gate calls.
"""
