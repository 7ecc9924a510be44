"""docs/notebook.ipynb runs, and its outputs are those that readers see."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest
from conftest import REPOSITORY


def texts(cell: Any) -> list[str]:
    """What a cell printed or returned, but for pictures, in which fonts differ."""
    outputs = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.get("outputs", [])]
    return [text for text in outputs if "Figure" not in text]


def test_the_notebook_prints_what_it_shows(monkeypatch) -> None:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(REPOSITORY / "engine" / "python")]))
    stored = nbformat.read(REPOSITORY / "docs" / "notebook.ipynb", 4)
    executed = copy.deepcopy(stored)
    nbclient.NotebookClient(executed, timeout=300, kernel_name="python3").execute()
    cells = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert len(cells) == 7
    for before, after in zip(cells, (cell for cell in executed.cells if cell.cell_type == "code")):
        assert texts(after) == texts(before)
        pictures = [[*output.get("data", {})] for output in after.outputs if "image/png" in output.get("data", {})]
        assert bool(pictures) == ("plot" in before.source)
