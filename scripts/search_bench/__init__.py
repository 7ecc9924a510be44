"""Measures nearsay's searches next to other programs'; scripts/search-bench runs it."""
