"""result.json: rewritten after every figure, so that an interrupted run loses nothing."""
from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any


class Record:
    """The results so far, by step. `step` may be set to the name of the running step."""

    def __init__(self, path: Path, head: dict[str, Any]) -> None:
        self.path = path
        self.started = time.monotonic()
        self.content: dict[str, Any] = {**head, "seconds": 0.0, "steps": {}}
        self.write()

    def begin(self, step: str) -> None:
        self.step = step
        self.content["steps"][step] = {"outcome": "cut off"}
        self.write()

    def put(self, **figures: Any) -> None:
        """Sets figures of the running step, by name."""
        self.content["steps"][self.step].update(figures)
        self.write()

    def add(self, name: str, figure: Any) -> None:
        """Appends a figure to a list."""
        self.content["steps"][self.step].setdefault(name, []).append(figure)
        self.write()

    def write(self) -> None:
        self.content["seconds"] = round(time.monotonic() - self.started, 1)
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(self.content, indent=1) + "\n", "utf-8")
        os.replace(unfinished, self.path)
