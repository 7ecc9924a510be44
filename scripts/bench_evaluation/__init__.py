"""Measures nearsay's text metrics next to the Python packages that define them; scripts/bench-evaluation runs it."""
