"""Compares nearsay's lexical metrics with the packages that define them, on random hard texts."""
