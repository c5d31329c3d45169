"""What a run writes down: the ledger, and the `.prom` file made from it."""
