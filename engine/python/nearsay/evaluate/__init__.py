"""Metric modules for Hugging Face evaluate, which load by path and need no network.

    import evaluate
    import nearsay.evaluate

    metric = evaluate.load(nearsay.evaluate.path("bertscore"))
    metric.compute(predictions=["The cat sat."], references=["A cat sat."], lang="en")

Their inputs, arguments and results are those of evaluate's modules with the same names; docs/python.md has the differences.
"""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError

__all__ = ["NAMES", "path"]

#: The modules.
NAMES = ("bertscore", "bleu", "chrf", "rouge", "sacrebleu", "ter")


def path(name: str) -> str:
    """The folder of a module, for `evaluate.load`.

    Raises:
        InputError: No module has this name.
    """
    if name not in NAMES:
        raise InputError(f"name must be one of {', '.join(NAMES)}, got {name!r}")
    return str(Path(__file__).parent / "modules" / name)
