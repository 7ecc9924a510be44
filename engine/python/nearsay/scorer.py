"""BERTScore, with the signatures of the package bert_score 0.3.13."""

from __future__ import annotations

import functools
import itertools
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from . import _nearsay
from ._check import one_of, text, whole
from ._memory import available_bytes, check_fits
from ._model import check_sha256, model_settings, open_compiled
from ._names import with_known_names
from ._parts import report_of_part
from ._progress import Progress, reporting
from ._shared import Shared
from ._texts import named_texts
from .errors import InputError, InputTypeError
from .explanation import Explanation
from .idf import Idf, weighted
from .references import EncodedReferences, listed_references, paired

if TYPE_CHECKING:
    import numpy.typing as npt

    from ._types import OnLongPair, Precision, ScoreSettings, StrPath, Texts
    from .idf import IdfChoice
    from .references import References

    #: numpy arrays, or torch tensors.
    Scores = tuple[Any, Any, Any]
    OutputKind = Literal["auto", "numpy", "torch"]

#: Pairs of a part of `score_iter`.
_ROWS = 8192

#: Scorers that were unpickled, by their settings and files.
_unpickled: Shared[_nearsay.Scorer] = Shared()


class BERTScorer:
    """Scores candidates against references with an opened model. Any number of threads may use it at the same time.

    The first thirteen arguments are those of bert_score's `BERTScorer`. Scores are those of bert_score 0.3.13 with a batch
    size of 1: nothing is padded, so a pair has the same score in any batch.

    Args:
        model_type: A folder, or a name on the Hugging Face hub. None: the model for `lang`, else NEARSAY_MODEL.
        num_layers: The layer whose hidden states are compared. None: bert_score's choice, for 140 published models.
        batch_size, nthreads: Accepted; no number depends on them. `threads` sets the threads.
        all_layers: Scores at every layer: [layers, pairs].
        idf: True: tokens are weighted by inverse document frequency over `idf_sents`. An `Idf`, a file of one, or a mapping
            from token ids to weights with a default (`collections.defaultdict`): by these.
        idf_sents: The references that are counted.
        device: As of `Embedder`; None: a GPU if there is one.
        lang: The language of the texts: chooses the model and the published baseline.
        rescale_with_baseline: Rescale with the baseline of the model and `lang`, or with that in `baseline_path`.
        use_fast_tokenizer: False: as bert_score does, a space is put before each text for models of RoBERTa and GPT-2.
            True: it is not.
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
        idf: IdfChoice = False,
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
        if not isinstance(idf, (Mapping, Idf, str, os.PathLike)):
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
            "use_fast_tokenizer": bool(use_fast_tokenizer),
            "lang": lang,
            "rescale_with_baseline": rescale_with_baseline,
            "baseline_path": baseline_path,
        }
        self.batch_size = batch_size
        self.nthreads = nthreads
        self.all_layers = all_layers
        self._output: OutputKind = output
        self._local = threading.local()
        self._idf = idf
        self._opened = open_compiled(_nearsay.Scorer, self._model, self._settings)
        self._weighted: _nearsay.Scorer | None = None if idf is True else weighted(self._opened, idf)
        if idf_sents is not None:
            self.compute_idf(idf_sents)

    def compute_idf(self, sents: Texts) -> None:
        """Weights tokens by inverse document frequency over these references, at least two."""
        if self._idf is not True:
            raise InputError("idf weights are computed only with idf=True")
        self._weighted = self._opened.weighted_by_references(named_texts("sents", sents))

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
        references, counts = listed_references(refs)
        scores = self._score(cands, references, counts, progress if progress is not None else verbose)
        return (scores, self.hash) if return_hash else scores

    def _score(
        self, cands: Texts, references: _nearsay.Texts, counts: list[int] | None, progress: Progress, first: int = 0
    ) -> Any:
        scorer = self._scorer()
        candidates = paired(cands, references, counts, first)
        with reporting(progress, "pairs") as report:
            found, self._local.notices = scorer.score(candidates, references, counts, self.all_layers, report, None)
        return tuple(self._as_output(part) for part in found)

    def score_iter(
        self, pairs: Iterable[tuple[str, str | Sequence[str]]], rows: int = _ROWS, *, progress: Progress = None
    ) -> Iterator[Any]:
        """P, R and F1 of any number of pairs, `rows` at a time, in bounded memory.

        Args:
            pairs: Tuples of a candidate and its reference, or its list of references.
            rows: Pairs at a time.

        Yields:
            What `score` returns, of the next pairs.
        """
        whole("rows", rows, 1)
        self._scorer()
        if isinstance(pairs, (str, bytes, Mapping, set, frozenset)) or not isinstance(pairs, Iterable):
            raise InputTypeError(f"pairs must be an iterable of tuples, got {type(pairs).__name__}")
        return self._parts(iter(pairs), rows, progress)

    def _parts(self, pairs: Iterator[Any], rows: int, progress: Progress) -> Iterator[Any]:
        start = 0
        found: dict[str, int] = {}
        with reporting(progress, "pairs") as report:
            while part := [*itertools.islice(pairs, rows)]:
                for at, pair in enumerate(part, start):
                    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
                        raise InputTypeError(f"pair {at} must be a tuple of a candidate and its references")
                of_all = None if report is None else functools.partial(report_of_part, report, start)
                # A row may have one reference and another a list, in one part or in two.
                references = [[pair[1]] if isinstance(pair[1], str) else pair[1] for pair in part]
                listed, counts = listed_references(references, start)
                scores = self._score([pair[0] for pair in part], listed, counts, of_all, start)
                found = {name: found.get(name, 0) + more for name, more in (self.notices or {}).items()}
                self._local.notices = found
                start += len(part)
                yield scores

    def score_arrow(self, cands: Texts, refs: References, *, progress: Progress = None) -> _nearsay.Array:
        """The same scores as an Arrow array of structs with `precision`, `recall` and `f1`, float32."""
        if self.all_layers:
            raise InputError("score_arrow returns the scores of one layer", "make a scorer without all_layers")
        scorer = self._scorer()
        references, counts = listed_references(refs)
        candidates = paired(cands, references, counts)
        with reporting(progress, "pairs") as report:
            found, self._local.notices = scorer.score_arrow(candidates, references, counts, report)
        return found

    def references(self, refs: References, *, progress: Progress = None) -> EncodedReferences:
        """These references encoded once, to score the outputs of many systems against.

        Their token vectors stay in memory: 4 bytes for each of the model's hidden values and each token.

        Raises:
            HostMemoryError: They do not fit into memory.
        """
        if self.all_layers:
            raise InputError("references are encoded at one layer", "make a scorer without all_layers")
        references, counts = listed_references(refs)
        scorer = self._copy()
        with reporting(progress, "references") as report:
            scorer._weighted = self._scorer().with_references(references, available_bytes(), report)
        return EncodedReferences(scorer, references, counts)

    def explain(self, cand: str, ref: str) -> Explanation:
        """The tokens of a pair, how similar each is to each, and what they weigh."""
        for name, given in (("cand", cand), ("ref", ref)):
            if text(name, given) is None:
                raise InputTypeError(f"{name} must be a str, got None")
        found = self._scorer().explain(cand, ref)
        return Explanation(**{**found, "scores": tuple(found["scores"])})

    def plot_example(self, candidate: str, reference: str, fname: str = "") -> None:
        """Draws the similarities of a pair's tokens with matplotlib: on the screen, or into a file."""
        import matplotlib.pyplot as plt

        axes = self.explain(candidate, reference).plot()
        if fname:
            axes.figure.savefig(fname, dpi=100)
        else:
            plt.show()
        plt.close(axes.figure)

    def pairwise(self, cands: Texts, refs: Texts, *, progress: Progress = None) -> Any:
        """Every candidate against every reference, each text encoded once: [candidates, references, 3] of P, R and F1."""
        scorer = self._scorer()
        candidates, references = named_texts("cands", cands), named_texts("refs", refs)
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
        return self._settings["use_fast_tokenizer"]

    def __repr__(self) -> str:
        return f"<BERTScorer {self.model_type!r}: layer {self.num_layers}, {self._model['precision']}, {self.device}>"

    def _of_references(self, references: _nearsay.Texts) -> BERTScorer:
        """The same scorer with the weights of these references' tokens."""
        scorer = self._copy()
        scorer._idf = True
        scorer._weighted = self._opened.weighted_by_references(references)
        return scorer

    def _copy(self) -> BERTScorer:
        """A scorer with the same model and settings, and notices of its own."""
        scorer = type(self).__new__(type(self))
        scorer.__dict__.update(self.__dict__)
        scorer._local = threading.local()
        return scorer

    def __getstate__(self) -> dict[str, Any]:
        if self._idf is True:
            raise InputError(
                "a scorer with computed idf weights cannot be pickled", "count them with nearsay.Idf.count, and give that as idf"
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
        self._weighted = weighted(self._opened, self._idf)

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
