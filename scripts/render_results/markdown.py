"""Tables in Markdown."""
from __future__ import annotations


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    line = lambda cells: f"| {' | '.join(cells)} |"  # noqa: E731
    return [line(header), "|---" * len(header) + "|", *map(line, rows)]
