"""Counts the models that the workers of a cluster open. On their PYTHONPATH."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

#: Where each opened model has a line: its process and its threads.
FILE = "NEARSAY_TEST_OPENED"


def install() -> None:
    """Counts the models that this process, and those that it forks, will open."""
    from nearsay import _nearsay

    for name in ("Embedder", "Scorer"):
        setattr(_nearsay, name, _counted(getattr(_nearsay, name)))


def _counted(make: Any) -> Any:
    def counted(model: Mapping[str, Any], settings: object) -> Any:
        with open(os.environ[FILE], "a", encoding="ascii") as file:
            file.write(f"{os.getpid()} {model['threads']}\n")
        return make(model, settings)

    return counted


def opened(file: Path) -> list[tuple[int, int]]:
    """The process and the threads of each model that was opened."""
    return [(int(process), int(threads)) for process, threads in map(str.split, file.read_text("ascii").splitlines())]
