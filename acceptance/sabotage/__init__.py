"""Ways to break the system on purpose. Each must turn named tests red, and each of them for its own reason.

One small TOML file in `rows/<hop>/` says what it breaks, how, which tests must fail, and words that each failure must
contain (`row`, `edits`). `driver` breaks copies of the checkout (`checkout`), so that the real one is never touched,
runs the named tests on one embedded stack (`shared_stack`), and judges what they said (`judge`). `make sabotage` is
the command.
"""
