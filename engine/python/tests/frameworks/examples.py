"""The examples of docs/ that need a framework: marked `no-run` there, and run by the framework's test."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from conftest import REPOSITORY

BLOCK = re.compile(r"^```python no-run\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MINILM = "sentence-transformers/all-MiniLM-L6-v2"


def run_example(page: str, word: str, replacing: Mapping[str, str] | None = None) -> str:
    """Runs the only example of a page that has a word; what it prints.

    Args:
        replacing: Replacements for the test, by the text of the example that each replaces.
    """
    text = (REPOSITORY / "docs" / page).read_text("utf-8")
    (code,) = (code for code in BLOCK.findall(text) if word in code)
    for there, here in (replacing or {}).items():
        assert there in code, there
        code = code.replace(there, here)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, page, "exec"), {})
    return printed.getvalue()


def write_corpus(folder: Path, texts: list[str]) -> None:
    """A folder of Parquet files as the examples read them."""
    folder.mkdir()
    for part in range(2):
        rows = range(part, len(texts), 2)
        columns = {"id": [*rows], "text": [texts[row] for row in rows]}
        pq.write_table(pa.table({**columns, "other": columns["id"]}), folder / f"{part}.parquet")
