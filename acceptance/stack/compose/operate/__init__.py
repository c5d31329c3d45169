"""The verbs of an operator's compose stack: look, back up, restore, rotate, delete."""
