"""Compares the lexical metrics with the packages that define them, on texts that are hard to treat alike."""
