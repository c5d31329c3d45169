"""Side-by-side measurements: what something of ours costs, beside the least that it could cost on this machine.

Seconds alone say little about a program and much about the machine; beside a floor measured at the same time they can
be compared. `python -m bench [NAME ...]` (`make bench`) runs every module of this package that has a `measure`, and
ends with 1 where a figure is beyond the limit that the design sets. A new measurement is one file with
`def measure() -> Iterable[Figure]`.
"""
