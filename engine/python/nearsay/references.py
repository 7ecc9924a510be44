"""References of a score: those of each candidate, and those that are encoded once for many systems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union, cast

import numpy as np

from . import _nearsay
from ._texts import named_texts
from .errors import InputError

if TYPE_CHECKING:
    from ._progress import Progress
    from ._types import Texts
    from .scorer import BERTScorer

    #: A reference for each candidate, or several.
    References = Union[Texts, Iterable[Sequence[str]]]


class EncodedReferences:
    """References that were encoded once, and stay in memory. Made by `BERTScorer.references`.

    Scores have the bits of `BERTScorer.score` with the same references. Any number of threads may use it.
    """

    def __init__(self, scorer: BERTScorer, texts: _nearsay.Texts, counts: list[int] | None) -> None:
        self._scorer = scorer
        self._texts = texts
        self._counts = counts

    def score(
        self,
        cands: Texts,
        verbose: bool = False,
        batch_size: int = 64,
        return_hash: bool = False,
        *,
        progress: Progress = None,
    ) -> Any:
        """P, R and F1 of each candidate and its reference, as of `BERTScorer.score`; only candidates are encoded."""
        del batch_size
        found = self._scorer._score(cands, self._texts, self._counts, progress if progress is not None else verbose)
        return (found, self._scorer.hash) if return_hash else found

    @property
    def notices(self) -> dict[str, int] | None:
        """What this thread's last call found: pairs, encoded (texts), empty, truncated and undefined."""
        return self._scorer.notices

    def __len__(self) -> int:
        """Candidates that a system must have."""
        return len(self._texts) if self._counts is None else len(self._counts)

    def __repr__(self) -> str:
        return f"<EncodedReferences of {len(self):,} candidates for {self._scorer!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        raise InputError("encoded references cannot be pickled", "pickle the scorer and the texts, and encode them there")


def is_one_column(refs: object) -> bool:
    """Whether `refs` must be one text per candidate. An object column of pandas may contain lists."""
    if isinstance(refs, (str, bytes, Mapping, set, frozenset)) or not isinstance(refs, Iterable):
        return True
    is_arrow = hasattr(refs, "__arrow_c_stream__") or hasattr(refs, "__arrow_c_array__")
    return is_arrow and getattr(refs, "dtype", None) != np.dtype(object)


def listed_references(refs: References, first: int = 0) -> tuple[_nearsay.Texts, list[int] | None]:
    """The references one after another, and how many each candidate has; None: one each.

    Errors count rows from `first`, and the texts of several references one after another.
    """
    if is_one_column(refs):
        return named_texts("refs", refs), None
    given: list[Any] = list(cast("Iterable[Any]", refs))
    if not any(isinstance(of, (list, tuple)) for of in given):
        return named_texts("refs", given), None
    flat: list[str] = []
    counts: list[int] = []
    for at, of in enumerate(given, first):
        if not isinstance(of, (list, tuple)):
            raise InputError(f"reference {at} must be a list of texts, as the others are, got {type(of).__name__}")
        if not of:
            raise InputError(f"candidate {at} has no reference")
        for text in of:
            if not isinstance(text, str):
                # Names the row, which a place among all references would not.
                named_texts(f"refs, candidate {at}", of)
        flat.extend(of)
        counts.append(len(of))
    return named_texts("refs", flat), counts


def paired(
    cands: Texts, references: _nearsay.Texts, counts: list[int] | None, first: int = 0
) -> _nearsay.Texts:
    """The candidates, of which each must have its references."""
    candidates = named_texts("cands", cands, first=first)
    given = len(references) if counts is None else len(counts)
    if given != len(candidates):
        raise InputError(f"candidates and references must have the same length, got {len(candidates)} and {given}")
    return candidates
