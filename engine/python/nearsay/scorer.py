"""BERTScore, with the signatures of the package bert_score 0.3.13."""

from __future__ import annotations

import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Union, cast

import numpy as np

from . import _nearsay
from ._check import one_of, text, whole
from ._memory import check_fits
from ._model import check_sha256, model_settings, open_compiled
from ._names import with_known_names
from ._progress import Progress, reporting
from ._shared import Shared
from .errors import InputError

if TYPE_CHECKING:
    import numpy.typing as npt

    from ._types import OnLongPair, Precision, ScoreSettings, StrPath, Texts

    #: numpy arrays, or torch tensors.
    Scores = tuple[Any, Any, Any]
    Idf = Union[bool, Mapping[int, float], "StrPath"]
    #: A reference for each candidate, or several.
    References = Texts | Iterable[Sequence[str]]
    OutputKind = Literal["auto", "numpy", "torch"]


class BERTScorer:
    """Scores candidates against references with an opened model. Any number of threads may use it at the same time.

    The first thirteen arguments are those of bert_score's `BERTScorer`. Scores are those of bert_score 0.3.13 with a batch
    size of 1: nothing is padded, so a pair has the same score in any batch.

    Args:
        model_type: A folder, or a name on the Hugging Face hub. None: the model for `lang`, else NEARSAY_MODEL.
        num_layers: The layer whose hidden states are compared. None: bert_score's choice, for 140 published models.
        batch_size, nthreads: Accepted; no number depends on them. `threads` sets the threads.
        all_layers: Scores at every layer: [layers, pairs].
        idf: True: tokens are weighted by inverse document frequency over `idf_sents`. A mapping from token ids to weights
            with a default (`collections.defaultdict`), or a file of `nearsay idf`: by these.
        idf_sents: The references that are counted.
        device: As of `Embedder`; None: a GPU if there is one.
        lang: The language of the texts: chooses the model and the published baseline.
        rescale_with_baseline: Rescale with the baseline of the model and `lang`, or with that in `baseline_path`.
        use_fast_tokenizer: Accepted; tokenizers are always the fast ones.
        precision, threads, max_length, revision, offline, cache_folder: As of `Embedder`.
        on_long: "truncate" cuts texts that are too long, "error" refuses them, "windows" scores all of their tokens.
        output: "numpy", "torch", or "auto": torch tensors if torch was imported already.

    Raises:
        InputError: No model or layer is known, a baseline is missing, or settings contradict each other.
    """

    @with_known_names("BERTScorer")
    def __init__(
        self,
        model_type: StrPath | None = None,
        num_layers: int | None = None,
        batch_size: int = 64,
        nthreads: int = 4,
        all_layers: bool = False,
        idf: Idf = False,
        idf_sents: Texts | None = None,
        device: object = None,
        lang: str | None = None,
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
    ) -> None:
        if rescale_with_baseline and baseline_path is None and lang is None:
            raise InputError(
                "rescale_with_baseline needs the language of the texts", "add lang=\"en\", or a file with baseline_path"
            )
        if baseline_path is not None and not rescale_with_baseline:
            raise InputError("baseline_path has no effect without rescale_with_baseline=True")
        one_of("output", output, ("auto", "numpy", "torch"))
        one_of("on_long", on_long, ("truncate", "error", "windows"))
        whole("num_layers", num_layers)
        whole("max_length", max_length)
        text("lang", lang)
        if not isinstance(idf, (Mapping, str, os.PathLike)):
            # As in bert_score: whatever is true.
            idf = bool(idf)
        if idf is False and idf_sents is not None:
            raise InputError("idf_sents has no effect with idf=False", "add idf=True")
        if model_type is None and lang is not None:
            model_type = _nearsay.default_model(lang)
        self._model = model_settings(model_type, precision, device, threads, revision, offline, cache_folder)
        self._settings: ScoreSettings = {
            "layer": num_layers,
            "max_length": max_length,
            "on_long": on_long,
            "lang": lang,
            "rescale_with_baseline": rescale_with_baseline,
            "baseline_path": baseline_path,
        }
        self.batch_size = batch_size
        self.nthreads = nthreads
        self.all_layers = all_layers
        self._use_fast_tokenizer = use_fast_tokenizer
        self._output: OutputKind = output
        self._local = threading.local()
        self._idf = idf
        self._opened = open_compiled(_nearsay.Scorer, self._model, self._settings)
        self._weighted: _nearsay.Scorer | None = None if idf is True else _weighted(self._opened, idf)
        if idf_sents is not None:
            self.compute_idf(idf_sents)

    def compute_idf(self, sents: Texts) -> None:
        """Weights tokens by inverse document frequency over these references, at least two."""
        if self._idf is not True:
            raise InputError("idf weights are computed only with idf=True")
        self._weighted = self._opened.weighted_by_references(_nearsay.Texts(sents))

    def score(
        self,
        cands: Texts,
        refs: References,
        verbose: bool = False,
        batch_size: int = 64,
        return_hash: bool = False,
        *,
        progress: Progress = None,
    ) -> Any:
        """P, R and F1 of each candidate and its reference, or the best of each over its references.

        Args:
            cands: The candidates.
            refs: A reference for each, or a list of references for each.
            verbose: Shows progress.
            batch_size: Accepted; no number depends on it.
            return_hash: Returns `((P, R, F1), hash)`.
            progress: True for a bar, or a function that is called with what is done, the total and the unit.

        Returns:
            P, R and F1: float32 of the shape [pairs], or [layers, pairs] with `all_layers`. `notices` counts empty texts,
            and texts that were cut.
        """
        scorer = self._scorer()
        candidates = _nearsay.Texts(cands)
        references, counts = _references(refs)
        if counts is None and len(references) != len(candidates):
            raise InputError(
                f"candidates and references must have the same length, got {len(candidates)} and {len(references)}"
            )
        if counts is not None and len(counts) != len(candidates):
            raise InputError(f"candidates and references must have the same length, got {len(candidates)} and {len(counts)}")
        with reporting(progress if progress is not None else verbose, "pairs") as report:
            found, self._local.notices = scorer.score(candidates, references, counts, self.all_layers, report, None)
        scores = tuple(self._as_output(part) for part in found)
        return (scores, self.hash) if return_hash else scores

    def pairwise(self, cands: Texts, refs: Texts, *, progress: Progress = None) -> Any:
        """Every candidate against every reference, each text encoded once: [candidates, references, 3] of P, R and F1."""
        scorer = self._scorer()
        candidates, references = _nearsay.Texts(cands), _nearsay.Texts(refs)
        shape = (len(candidates), len(references), 3)
        if 0 in shape:
            return self._as_output(np.empty(shape, dtype=np.float32))
        check_fits(12 * shape[0] * shape[1], "the scores", "`nearsay score --pairwise` writes them to a file")
        with reporting(progress, "pairs") as report:
            found, self._local.notices = scorer.pairwise(candidates, references, report, None)
        return self._as_output(found)

    @property
    def notices(self) -> dict[str, int] | None:
        """What this thread's last call found: pairs, encoded (texts), empty, truncated and undefined."""
        return getattr(self._local, "notices", None)

    @property
    def signature(self) -> str:
        """The settings of a score in one line, for papers: that of the command `nearsay score`."""
        return self._scorer().signature(self.all_layers)

    @property
    def hash(self) -> str:
        """The signature, under bert_score's name."""
        return self.signature

    @property
    def lang(self) -> str | None:
        """The language of the texts, if it was given."""
        return self._settings["lang"]

    @property
    def idf(self) -> bool:
        """Whether tokens are weighted by inverse document frequency."""
        return self._idf is not False

    @property
    def model_type(self) -> str:
        """The model's name or folder."""
        return self._model["model"]

    @property
    def num_layers(self) -> int:
        """The layer that is scored."""
        return self._opened.layer

    @property
    def max_tokens(self) -> int:
        """The longest text in tokens, or with windows the longest window."""
        return self._opened.max_tokens

    @property
    def device(self) -> str:
        """Where the encoder runs."""
        return self._opened.device

    @property
    def rescale_with_baseline(self) -> bool:
        """Whether scores are rescaled."""
        return self._settings["rescale_with_baseline"]

    @property
    def baseline_vals(self) -> Any:
        """The baseline's P, R and F1, [3] float32; None if scores are not rescaled."""
        found = self._opened.baseline
        return None if found is None else self._as_output(np.array(found, dtype=np.float32))

    @property
    def use_fast_tokenizer(self) -> bool:
        """As it was given."""
        return self._use_fast_tokenizer

    def __repr__(self) -> str:
        return f"<BERTScorer {self.model_type!r}: layer {self.num_layers}, {self._model['precision']}, {self.device}>"

    def _of_references(self, references: _nearsay.Texts) -> BERTScorer:
        """The same scorer with the weights of these references' tokens."""
        scorer = type(self).__new__(type(self))
        scorer.__dict__.update(self.__dict__)
        scorer._local = threading.local()
        scorer._idf = True
        scorer._weighted = self._opened.weighted_by_references(references)
        return scorer

    def __getstate__(self) -> dict[str, Any]:
        if self._idf is True:
            raise InputError(
                "a scorer with computed idf weights cannot be pickled", "save them with `nearsay idf`, and give the file"
            )
        state = self.__dict__.copy()
        for name in ("_local", "_opened", "_weighted"):
            del state[name]
        return {**state, "sha256": self._opened.sha256()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        sha256 = state.pop("sha256")
        self.__dict__.update(state)
        self._local = threading.local()

        def open_again() -> _nearsay.Scorer:
            found = open_compiled(_nearsay.Scorer, self._model, self._settings)
            check_sha256(self.model_type, found.sha256(), sha256)
            return found

        self._opened = _unpickled.get(
            repr((sorted(self._model.items()), sorted(self._settings.items()), sha256)), open_again
        )
        self._weighted = _weighted(self._opened, self._idf)

    def _scorer(self) -> _nearsay.Scorer:
        if self._weighted is None:
            raise InputError(
                "idf=True weighs tokens by their frequency in references, and none have been counted",
                "give them with idf_sents, or to compute_idf",
            )
        return self._weighted

    def _as_output(self, array: npt.NDArray[np.float32]) -> Any:
        if self._output == "numpy" or self._output == "auto" and not self._prefers_tensors():
            return array
        import torch

        return torch.from_numpy(array)

    @staticmethod
    def _prefers_tensors() -> bool:
        """Whether scores are torch tensors if nothing else was asked for."""
        return sys.modules.get("torch") is not None


def _weighted(scorer: _nearsay.Scorer, idf: Idf) -> _nearsay.Scorer:
    if idf is False or idf is True:
        return scorer
    if isinstance(idf, (str, os.PathLike)):
        return scorer.weighted_by_file(os.fspath(idf))
    default = idf.default_factory if isinstance(idf, defaultdict) else None
    if default is None:
        raise InputError(
            "idf has no weight for tokens that it does not name",
            "make it a collections.defaultdict, as bert_score's get_idf_dict does",
        )
    return scorer.weighted_by_table(dict(idf), float(default()))


def _is_one_column(refs: object) -> bool:
    """Whether references cannot be lists of texts for each candidate, but for those of an object column of pandas."""
    if isinstance(refs, (str, bytes, Mapping, set, frozenset)) or not isinstance(refs, Iterable):
        return True
    is_arrow = hasattr(refs, "__arrow_c_stream__") or hasattr(refs, "__arrow_c_array__")
    return is_arrow and getattr(refs, "dtype", None) != np.dtype(object)


def _references(refs: References) -> tuple[_nearsay.Texts, list[int] | None]:
    """The references one after another, and how many each candidate has; None: one each."""
    if _is_one_column(refs):
        return _nearsay.Texts(refs), None
    given: list[Any] = list(cast("Iterable[Any]", refs))
    if not any(isinstance(of, (list, tuple)) for of in given):
        return _nearsay.Texts(given), None
    flat: list[str] = []
    counts: list[int] = []
    for at, of in enumerate(given):
        if not isinstance(of, (list, tuple)):
            raise InputError(f"reference {at} must be a list of texts, as the others are, got {type(of).__name__}")
        if not of:
            raise InputError(f"candidate {at} has no reference")
        flat.extend(of)
        counts.append(len(of))
    return _nearsay.Texts(flat), counts


#: Those of `score`, which stay open.
_scorers: Shared[BERTScorer] = Shared(most=4)
#: Scorers that were unpickled, by their settings and files.
_unpickled: Shared[_nearsay.Scorer] = Shared()


def score_with(
    scorer_class: type[BERTScorer],
    cands: Texts,
    refs: References,
    model_type: StrPath | None = None,
    num_layers: int | None = None,
    verbose: bool = False,
    idf: Idf = False,
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
    of_table = isinstance(idf, (Mapping, str, os.PathLike))

    def open_scorer(given: Idf) -> BERTScorer:
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
        if not _is_one_column(refs):
            # Counted, then scored.
            refs = list(cast("Iterable[Any]", refs))
        scorer = scorer._of_references(_references(refs)[0])
    return scorer.score(cands, refs, verbose, batch_size, return_hash, progress=progress)


@with_known_names("score")
def score(
    cands: Texts,
    refs: References,
    model_type: StrPath | None = None,
    num_layers: int | None = None,
    verbose: bool = False,
    idf: Idf = False,
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
