"""A column of texts to a column of vectors, and columns of pairs to columns of scores: the work of every framework's module.

Both are made where a job is described and used where its rows are. Pickled, they are settings: a process opens a model once,
however many copies arrive.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ._calls import NO_CALL, call_settings
from ._check import one_of, path_of
from ._model import model_settings
from ._shared import Shared
from .embedder import Embedder
from .errors import InputError
from .idf import Idf
from .opened import cached
from .scorer import BERTScorer

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from ._types import ArrowArray, StrPath, Texts

#: The columns that scoring adds.
SCORES = ("precision", "recall", "f1")
#: How a model is opened, if settings have no more than names and numbers.
_OPENING = {
    "precision": "f32", "device": "auto", "threads": None, "revision": None, "offline": None, "cache_folder": None
}  # fmt: skip
#: Output types of which a row does not depend on other rows.
_OUTPUT_TYPES = ("f32", "f16", "binary", "ubinary", "float32", "float16")
#: Arguments of a scorer whose results are no columns, or that need all rows at once.
_NOT_OF_COLUMNS = ("all_layers", "idf_sents", "output", "model_type")

#: Scorers by their settings.
_scorers: Shared[BERTScorer] = Shared()


class EmbedColumn:
    """Texts to vectors by one model and the settings of one call; a null becomes a null.

    Args:
        model: An embedder, or a folder or a name that is opened in the process that needs it. None: NEARSAY_MODEL.
        settings: Those of `Embedder` that open a model (precision, device, threads, revision, offline, cache_folder), and
            those of its `encode`, as far as they change a row's vector: prompt, normalize, dimensions, on_long and others.

    Raises:
        InputError: For an unknown setting, or one that an opened model cannot follow.
    """

    def __init__(self, model: Embedder | StrPath | None, **settings: Any) -> None:
        opening = {name: settings.pop(name) for name in _OPENING if name in settings}
        on_long = one_of("on_long", settings.pop("on_long", "truncate"), ("truncate", "error"))
        # Checked here, and not on the first of a thousand workers.
        call_settings(NO_CALL, cast("Any", settings))
        self._opening: dict[str, Any] = dict(sorted(opening.items()))
        #: Of each call.
        self.settings: dict[str, Any] = {"on_long": on_long, **dict(sorted(settings.items()))}
        if isinstance(model, Embedder):
            if opening:
                raise InputError(f"{min(opening)} has no effect on an opened model", "give it to Embedder")
            self._model: Embedder | str = model
        else:
            self._model = model_settings(model, **{**_OPENING, **opening})["model"]
            self._opening.pop("revision", None)

    def embedder(self) -> Embedder:
        """The model, opened once per process."""
        return self._model if isinstance(self._model, Embedder) else cached(self._model, **self._opening)

    def opened(self) -> EmbedColumn:
        """The same with the model itself, which is pickled with the SHA-256 of its files."""
        self._model, self._opening = self.embedder(), {}
        return self

    def dimensions(self) -> int:
        """Values of a vector."""
        wanted = self.settings.get("dimensions")
        if wanted is None:
            return self.embedder().dimensions
        # A width that the model does not have is refused here.
        self.embedder().count_tokens([], dimensions=wanted)
        return wanted

    def arrow(self, texts: Texts, *, is_list: bool = False) -> ArrowArray:
        """[texts] fixed-size lists of float32, or with `is_list` plain lists."""
        return self.embedder().encode_arrow(texts, list=is_list, nulls="keep", **self.settings)

    def typed(self, texts: pa.ChunkedArray | pa.Array, output_type: str) -> pa.Array:
        """[texts] fixed-size lists of an output type."""
        import pyarrow as pa

        if output_type in ("f32", "float32"):
            return pa.array(self.arrow(texts))
        # Only float32 has a value that says that a row is missing.
        vectors = self.embedder().encode(
            texts.fill_null(""), output_type=cast("Any", output_type), **self.settings
        )
        missing = texts.is_null()
        if isinstance(missing, pa.ChunkedArray):
            missing = missing.combine_chunks()
        return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1], mask=missing)


def check_output_type(output_type: str) -> str:
    """The output type, if a row does not depend on the other rows of its batch."""
    if output_type in ("i8", "u8", "int8", "uint8"):
        raise InputError(
            f"output_type={output_type!r} scales by the ranges of all vectors, and a worker sees a batch of them",
            "use f16 or binary",
        )
    return one_of("output_type", output_type, _OUTPUT_TYPES)


class ScoreColumns:
    """Candidates and references to precision, recall and F1; a pair with a null has no score.

    Args:
        model: A scorer, or a folder or a name that is opened in the process that needs it. None: the model for `lang`, else
            NEARSAY_MODEL.
        settings: Those of `BERTScorer`. `idf` is an `Idf`, a file of one, or a mapping: weights from a batch would depend on how
            rows were divided.

    Raises:
        InputError: For an unknown setting, or one that needs all rows.
    """

    def __init__(self, model: BERTScorer | StrPath | None, **settings: Any) -> None:
        known = [name for name in inspect.signature(BERTScorer).parameters if name not in _NOT_OF_COLUMNS]
        unknown = settings.keys() - known
        if unknown:
            raise InputError(f"unknown setting {min(unknown)!r}", f"the settings are {', '.join(known)}")
        if settings.get("idf") is True:
            raise InputError("idf=True needs all references at once", "count them with nearsay.Idf.count, and give that")
        if isinstance(model, BERTScorer):
            if settings:
                raise InputError(f"{min(settings)} has no effect on an opened scorer", "give it to BERTScorer")
            if model.all_layers:
                raise InputError("a scorer with all_layers has a score for each layer, and a column has one")
        elif model is not None:
            model = path_of("model", model)
        self._model = model
        self._settings: dict[str, Any] = dict(sorted(settings.items()))

    def scorer(self) -> BERTScorer:
        """The scorer, opened once per process."""
        if isinstance(self._model, BERTScorer):
            return self._model
        if isinstance(self._settings.get("idf"), Mapping):
            # Its text would be the longest of keys; the model's weights are not shared.
            self._model = BERTScorer(self._model, **self._settings)
            return self._model
        idf = self._settings.get("idf")
        named = {**self._settings, "idf": idf.sha256} if isinstance(idf, Idf) else self._settings
        key = repr((self._model, named))
        return _scorers.get(key, lambda: BERTScorer(cast("Any", self._model), **self._settings))

    def scores(
        self, candidates: Sequence[str | None], references: Sequence[str | Sequence[str] | None]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """[3, pairs] of precision, recall and F1, and [pairs] whether a pair has no score.

        Args:
            candidates: A text or None each.
            references: A text, a list of texts of which the best one counts, or None each. A None in a list is left out, and
                without another text the pair has no score.
        """
        if len(candidates) != len(references):
            raise InputError(
                f"candidates and references must have the same length, got {len(candidates)} and {len(references)}"
            )
        present = [_present(of) for of in references]
        missing = np.array([None in pair for pair in zip(candidates, present)], dtype=np.bool_)
        pairs = [pair for pair, is_missing in zip(zip(candidates, present), missing) if not is_missing]
        scores = np.zeros((3, len(missing)), dtype=np.float32)
        found = self.scorer().score([of for of, _ in pairs], [to for _, to in pairs])  # pyright: ignore[reportArgumentType]
        scores[:, ~missing] = np.stack([np.asarray(part) for part in found])
        return scores, missing

    def arrow(self, candidates: pa.ChunkedArray | pa.Array, references: pa.ChunkedArray | pa.Array) -> list[pa.Array]:
        """Precision, recall and F1: [pairs] float32 each."""
        import pyarrow as pa

        scores, missing = self.scores(candidates.to_pylist(), references.to_pylist())
        return [pa.array(part, mask=missing) for part in scores]


def _present(references: str | Sequence[str | None] | None) -> str | Sequence[str] | None:
    """The references of a row that are there; None if there are none."""
    if references is None or isinstance(references, str):
        return references
    return [text for text in references if text is not None] or None


def check_columns(columns: Sequence[str], read: Mapping[str, str], added: Sequence[str]) -> None:
    """Refuses columns to read that are not there, and columns to add that are.

    Args:
        read: Columns by the names of the arguments that name them.
    """
    for argument, name in read.items():
        if name not in columns:
            raise InputError(f"{argument} names a column that is not there: {name!r}", f"the columns are {', '.join(columns)}")
    for name in added:
        if name in columns:
            raise InputError(f"there is already a column {name!r}", "drop it, or choose another name")
