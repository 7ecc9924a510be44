"""What the metric modules share. Only they import it: it needs the packages evaluate and datasets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import datasets

# Without evaluate, pyright resolves the name to this package.
from evaluate import Metric, MetricInfo  # pyright: ignore[reportAttributeAccessIssue]

#: The texts of a row's references: one, or several.
Reference = Any

INPUTS = """
Args:
    predictions: A text per row.
    references: A text per row, or a list of texts per row.
"""


class Module(Metric):
    """A metric of texts, whose rows have one reference or several."""

    #: What the metric says about itself.
    description = ""
    arguments = ""

    def _info(self) -> Any:
        text = datasets.Value("string")
        rows = [{"predictions": text, "references": references} for references in (_several(text), text)]
        return MetricInfo(
            description=self.description,
            citation="",
            inputs_description=INPUTS + self.arguments,
            features=[datasets.Features(row) for row in rows],
        )


def _several(text: Any) -> Any:
    return datasets.Sequence(text)


def streams(references: Sequence[Reference]) -> list[Sequence[str | None]]:
    """References by their place in a row. Rows may have different numbers; one without any is an error of the metric."""
    rows = [[reference] if isinstance(reference, str) else reference or [None] for reference in references]
    return [list(stream) for stream in zip_longest(*rows)]
