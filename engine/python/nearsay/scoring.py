"""The function `score`, with the signature of bert_score's. It keeps its models open."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ._shared import Shared
from .idf import Idf
from .references import is_one_column, listed_references
from .scorer import BERTScorer

if TYPE_CHECKING:
    from ._progress import Progress
    from ._types import StrPath, Texts
    from .idf import IdfChoice
    from .references import References

#: Those of `score`, which stay open.
_scorers: Shared[BERTScorer] = Shared(most=4)


def score(
    cands: Texts,
    refs: References,
    model_type: StrPath | None = None,
    num_layers: int | None = None,
    verbose: bool = False,
    idf: IdfChoice = False,
    device: object = None,
    batch_size: int = 64,
    nthreads: int = 4,
    all_layers: bool = False,
    lang: str | None = None,
    return_hash: bool = False,
    rescale_with_baseline: bool = False,
    baseline_path: StrPath | None = None,
    use_fast_tokenizer: bool = False,
    **settings: Any,
) -> Any:
    """P, R and F1 of each candidate and its reference: bert_score's `score`.

    The model stays open for the next call. With `idf=True`, tokens are weighted over these references. The other arguments
    are those of `BERTScorer` and of its `score`.
    """
    progress: Progress = settings.pop("progress", None)
    of_table = isinstance(idf, (Mapping, Idf, str, os.PathLike))

    def opened(given: IdfChoice) -> BERTScorer:
        return BERTScorer(
            model_type, num_layers, batch_size, nthreads, all_layers, given, None, device, lang, rescale_with_baseline,
            baseline_path, use_fast_tokenizer, **settings,
        )  # fmt: skip

    if of_table or baseline_path is not None:
        # What a file or a mapping has may be another thing in the next call.
        scorer = opened(idf if of_table else False)
    else:
        shared = (model_type, num_layers, all_layers, str(device), lang, rescale_with_baseline)
        key = repr((shared, sorted(settings.items())))
        scorer = _scorers.get(key, lambda: opened(False))
    if not of_table and idf:
        if not is_one_column(refs):
            # Counted, then scored.
            refs = list(cast("Iterable[Any]", refs))
        scorer = scorer._of_references(listed_references(refs)[0])
    return scorer.score(cands, refs, verbose, batch_size, return_hash, progress=progress)
