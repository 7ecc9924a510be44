"""Faults that need system tools: strace, mounts, limits, other users, and a C compiler for a shim.

`scripts/test-faults` runs the cases. A case is a function with `@case`, in the module of its topic; its docstring begins with the
numbers of the fault's rows. What runs the program and judges its output is in `desk.py`, `jobs.py` and `tracing.py`.
What needs none of these tools is in `tests/tests`.
"""
