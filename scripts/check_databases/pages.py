"""The databases whose loading code is in docs/databases.md."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
import types
from pathlib import Path
from typing import Any, Callable, Iterator

from check_databases.rows import HITS, QUERIES, Program, ensure, key, share, text, unit_vectors, write
from typed_columns import typed_columns

ROWS = 10_000
PAGE = Path(__file__).resolve().parents[2] / "docs" / "databases.md"
# The name in `--to`, the section, and the share of our neighbours that a search must find.
PAGES = {
    "qdrant": ("Qdrant", 1.0),
    "lance": ("LanceDB", 1.0),
    "duckdb": ("DuckDB", 1.0),
    "milvus": ("Milvus", 1.0),
    "chroma": ("Chroma", 0.9),
}
SECTION = r"^## {}\n(.*?)(?=^## |\Z)"
BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def code(section: str) -> str:
    """The first Python block of a section."""
    found = re.search(SECTION.format(re.escape(section)), PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    block = BLOCK.search(found[1]) if found else None
    ensure(block is not None, f"{PAGE} has no section `{section}` with Python")
    return block[1]


@contextlib.contextmanager
def reader(folder: Path, vector: list[float]) -> Iterator[None]:
    """A reader's folder, in which the page's `query.embed` returns a vector."""
    module = types.ModuleType("query")
    module.embed = lambda text: vector
    before = Path.cwd()
    os.chdir(folder)
    sys.modules["query"] = module
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        del sys.modules["query"]
        os.chdir(before)


def check(name: str, program: Program) -> str:
    """Runs a section's code on seeded rows and compares its hits with ours; a line about them."""
    section, least = PAGES[name]
    corpus = write(program.folder / "rows.parquet", unit_vectors(ROWS, 1), typed_columns(ROWS))
    queries = unit_vectors(QUERIES, 2)
    program.run("export", corpus, "--to", name, "-o", program.folder / name)
    expected = program.search(corpus, queries)
    namespace: dict[str, Any] = {"__name__": "page"}
    with reader(program.folder, queries[0].tolist()):
        exec(compile(code(section), f"{PAGE.name}, {section}", "exec"), namespace)
        nearest: Callable[..., list[tuple]] = namespace["nearest"]
        hits = [nearest(query.tolist(), HITS) for query in queries]
    for row, found_key, found_text, _ in (hit for found in hits for hit in found):
        ensure((found_key, found_text) == (key(row), text(row)), f"row {row} has {found_key!r}, {found_text!r}")
    found = share([[hit[0] for hit in found] for found in hits], expected)
    line = f"{ROWS:,} rows, {QUERIES} queries: {found:.4f} of the {HITS} nearest rows (at least {least})"
    ensure(found >= least, line)
    return line
