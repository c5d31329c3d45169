"""The gates: each starts its tools from outside, reads what they recorded, and counts only what is complete.

``interface`` says what a verdict is. ``fast``, ``core`` and ``e2e`` are the gates' plans, ``git_rules`` what is checked
of git, ``gate`` runs a plan. ``expected`` holds the committed lists of tests, ``reportlog`` reads what pytest recorded,
``verdict`` compares the two, ``record`` writes into the evidence. ``every`` runs all gates one after the other.
``python -m acceptance.gates`` is the command.
"""
