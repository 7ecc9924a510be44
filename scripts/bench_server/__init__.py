"""Measures `nearsay serve` next to other servers; scripts/bench-server runs it."""
