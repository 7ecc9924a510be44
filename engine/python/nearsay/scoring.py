"""The function `score`, with the signature of bert_score's. It keeps its models open."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from ._names import with_known_names
from ._shared import Shared
from .idf import Idf
from .references import is_one_column, listed_references
from .scorer import BERTScorer

if TYPE_CHECKING:
    from ._progress import Progress
    from ._types import OnLongPair, Precision, StrPath, Texts
    from .idf import IdfChoice
    from .references import References
    from .scorer import OutputKind

#: Those of `score`, which stay open.
_scorers: Shared[BERTScorer] = Shared(most=4)


def score_with(
    scorer_class: type[BERTScorer],
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
    """`score` with this class of scorers, whose results and hash are those of the class."""
    progress: Progress = settings.pop("progress", None)
    of_table = isinstance(idf, (Mapping, Idf, str, os.PathLike))

    def open_scorer(given: IdfChoice) -> BERTScorer:
        return scorer_class(
            model_type, num_layers, batch_size, nthreads, all_layers, given, None, device, lang, rescale_with_baseline,
            baseline_path, use_fast_tokenizer, **settings,
        )  # fmt: skip

    if of_table or baseline_path is not None:
        # What a file or a mapping has may be another thing in the next call.
        scorer = open_scorer(idf if of_table else False)
    else:
        of_class = (scorer_class.__module__, use_fast_tokenizer)
        shared = (model_type, num_layers, all_layers, str(device), lang, rescale_with_baseline, *of_class)
        key = repr((shared, sorted(settings.items())))
        scorer = _scorers.get(key, lambda: open_scorer(False))
    if not of_table and idf:
        if not is_one_column(refs):
            # Counted, then scored.
            refs = list(cast("Iterable[Any]", refs))
        scorer = scorer._of_references(listed_references(refs)[0])
    return scorer.score(cands, refs, verbose, batch_size, return_hash, progress=progress)


@with_known_names("score")
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
    *,
    precision: Precision = "f32",
    threads: int | None = None,
    max_length: int | None = None,
    on_long: OnLongPair = "truncate",
    revision: str | None = None,
    offline: bool | None = None,
    cache_folder: StrPath | None = None,
    output: OutputKind = "auto",
    progress: Progress = None,
) -> Any:
    """P, R and F1 of each candidate and its reference: bert_score's `score`.

    The model stays open for the next call. With `idf=True`, tokens are weighted over these references. The other arguments
    are those of `BERTScorer` and of its `score`.
    """
    return score_with(
        BERTScorer, cands, refs, model_type, num_layers, verbose, idf, device, batch_size, nthreads, all_layers, lang,
        return_hash, rescale_with_baseline, baseline_path, use_fast_tokenizer, precision=precision, threads=threads,
        max_length=max_length, on_long=on_long, revision=revision, offline=offline, cache_folder=cache_folder,
        output=output, progress=progress,
    )  # fmt: skip
