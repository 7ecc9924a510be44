"""What scripts/test-suite-evaluate needs."""
