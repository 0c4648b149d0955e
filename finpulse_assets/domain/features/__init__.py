"""Features: the registry lists them, `adjustment` makes prices comparable, families hold formulas.

`technical` and `minutes` build the two tables; `online` picks what the service reads.
"""
