"""Faults of clients, limits and signals that `nearsay serve` must survive; scripts/test-server-faults runs them."""
