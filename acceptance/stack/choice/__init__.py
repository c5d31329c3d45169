"""Which stack a run stands on, made and opened: the only room that knows every kind of stack."""
