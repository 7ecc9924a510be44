"""Why a pair has its score: its tokens and how similar they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

#: Tokens of a text above which similarities are drawn without their numbers, which nobody could read.
_MOST_NUMBERS = 40


@dataclass(frozen=True, eq=False)
class Explanation:
    """The tokens of a candidate and a reference, and the cosine of each with each.

    A row's maximum is what a candidate token adds to precision, a column's what a reference token adds to recall, each
    times the token's weight.
    """

    #: The candidate's tokens, special tokens included.
    candidate_tokens: list[str]
    #: The reference's tokens.
    reference_tokens: list[str]
    #: [candidate tokens, reference tokens] float32.
    similarities: npt.NDArray[np.float32] = field(repr=False)
    #: [candidate tokens] float64: the weight of each in precision. Special tokens have none.
    candidate_weights: npt.NDArray[np.float64] = field(repr=False)
    #: [reference tokens] float64: the weight of each in recall.
    reference_weights: npt.NDArray[np.float64] = field(repr=False)
    #: [candidate tokens] and [reference tokens] uint32.
    candidate_token_ids: npt.NDArray[np.uint32] = field(repr=False)
    reference_token_ids: npt.NDArray[np.uint32] = field(repr=False)
    #: P, R and F1 of the pair, as `BERTScorer.score` returns them.
    scores: tuple[float, float, float]

    def matches(self) -> list[tuple[str, str, float]]:
        """Each candidate token that has a weight, the reference token that is most similar to it, and their cosine."""
        if not self.reference_tokens:
            return []
        best = self.similarities.argmax(axis=1)
        return [
            (token, self.reference_tokens[at], float(self.similarities[row, at]))
            for row, (token, at) in enumerate(zip(self.candidate_tokens, best))
            if self.candidate_weights[row] > 0
        ]

    def plot(self, axes: Any = None) -> Any:
        """Draws the similarities as a table with matplotlib.

        Args:
            axes: Where to draw. None: a new figure.

        Returns:
            The axes.
        """
        import matplotlib.pyplot as plt

        if axes is None:
            columns, rows = len(self.reference_tokens), len(self.candidate_tokens)
            _, axes = plt.subplots(figsize=(2 + 0.6 * columns, 1.5 + 0.4 * rows), layout="constrained")
        image = axes.imshow(self.similarities, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        # A token such as $ is not mathematics.
        plain = {"parse_math": False}
        axes.set_xticks(range(len(self.reference_tokens)), self.reference_tokens, rotation=45, ha="right", **plain)
        axes.set_yticks(range(len(self.candidate_tokens)), self.candidate_tokens, **plain)
        is_legible = max(self.similarities.shape) <= _MOST_NUMBERS
        for row, cosines in enumerate(self.similarities if is_legible else ()):
            for column, cosine in enumerate(cosines):
                color = "white" if cosine > 0.6 else "black"
                axes.text(column, row, f"{cosine:.2f}", ha="center", va="center", color=color, fontsize="small")
        axes.set_xlabel("reference")
        axes.set_ylabel("candidate")
        axes.set_title("P {:.4f}, R {:.4f}, F1 {:.4f}".format(*self.scores))
        axes.figure.colorbar(image, ax=axes, label="cosine")
        return axes
