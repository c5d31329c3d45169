"""Alerts that arrive: what a run has to say, to whom, how often, and what becomes of it.

Five steps, one module each, run by `announcer` in this order: `decide` what is to be said, `keep` it on the disk,
`deliver` it to Telegram, `file` the rows in Postgres, `settle` throttle and counters in the ledger. `account` is what
they all add to.
"""
