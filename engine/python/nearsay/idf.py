"""Document frequencies: what tokens weigh in a weighted BERTScore."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Union

from . import _nearsay
from ._check import flag, path_of, whole
from ._model import model_settings, to_open
from ._names import with_known_names
from ._progress import Progress, reporting
from ._texts import named_texts
from .errors import InputError, InputTypeError

if TYPE_CHECKING:
    from ._types import StrPath, Texts

    #: Whether tokens are weighted by their frequencies in references, or by which ones.
    IdfChoice = Union[bool, Mapping[int, float], "Idf", StrPath]


class Idf:
    """In how many references each token occurs: counted once, saved, merged, and given to any number of scorers.

    Make one with `Idf.count`, `Idf.load` or `Idf.merge`, and give it to `BERTScorer(idf=..)`. The files are those of
    the command `nearsay idf`. A pickle has the counts.
    """

    def __init__(self, counted: _nearsay.Idf) -> None:
        if not isinstance(counted, _nearsay.Idf):
            raise InputTypeError("an Idf is made by Idf.count, Idf.load or Idf.merge")
        self._counted = counted

    @classmethod
    @with_known_names("Idf.count")
    def count(
        cls,
        references: Texts,
        model: StrPath | None = None,
        *,
        max_length: int | None = None,
        use_fast_tokenizer: bool = False,
        threads: int | None = None,
        revision: str | None = None,
        offline: bool | None = None,
        cache_folder: StrPath | None = None,
        progress: Progress = None,
    ) -> Idf:
        """Counts the tokens of references with a model's tokenizer; its weights are not loaded.

        Args:
            references: Texts of any container. Repeated ones count each time.
            model: As of `BERTScorer`.
            max_length: The longest text in tokens; the rest is not counted. None: as a scorer of the model has it.
            use_fast_tokenizer: As of the scorer that is given these counts.
            threads, revision, offline, cache_folder, progress: As of `Embedder`.
        """
        settings = model_settings(model, "f32", "cpu", threads, revision, offline, cache_folder)
        texts = named_texts("references", references)
        length, fast = whole("max_length", max_length, 1), bool(use_fast_tokenizer)
        with reporting(progress, "references") as report:
            return cls(_nearsay.Idf.count(texts, to_open(settings), length, fast, report))

    @classmethod
    def load(cls, path: StrPath) -> Idf:
        """Reads a file of `save`, or of the command `nearsay idf`."""
        return cls(_nearsay.Idf.load(path_of("path", path)))

    @classmethod
    def merge(cls, parts: Iterable[Idf]) -> Idf:
        """The counts of all references of several parts, which have the same tokenizer and length."""
        counted = []
        if isinstance(parts, Idf) or not isinstance(parts, Iterable):
            raise InputTypeError(f"parts must be a list of Idf, got {type(parts).__name__}")
        for at, part in enumerate(parts):
            if not isinstance(part, Idf):
                raise InputTypeError(f"part {at} must be an Idf, got {type(part).__name__}")
            counted.append(part._counted)
        if not counted:
            raise InputError("parts must have at least one Idf")
        return cls(_nearsay.Idf.merge(counted))

    def save(self, path: StrPath, *, overwrite: bool = False) -> None:
        """Writes a file, which `load` and `nearsay score --idf` read."""
        self._counted.save(path_of("path", path), flag("overwrite", overwrite) or False)

    @property
    def references(self) -> int:
        """The number of references."""
        return self._counted.references

    @property
    def tokens(self) -> int:
        """The number of different tokens in them."""
        return self._counted.tokens

    @property
    def model(self) -> str:
        """The name of the model whose tokenizer was used."""
        return self._counted.model

    @property
    def max_length(self) -> int:
        """The longest text in tokens; the rest was not counted."""
        return self._counted.max_length

    @property
    def sha256(self) -> str:
        """The SHA-256 of the counts, which is in the signature of a score."""
        return self._counted.sha256

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Idf) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    def __repr__(self) -> str:
        return f"<Idf of {self.references:,} references: {self.tokens:,} tokens of {self.model!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _parsed, (self._counted.text(),)


def _parsed(text: str) -> Idf:
    return Idf(_nearsay.Idf.parse(text))


def weighted(scorer: _nearsay.Scorer, idf: IdfChoice) -> _nearsay.Scorer:
    """The scorer with the weights of tokens that `idf` has; the scorer itself if there are none yet."""
    if idf is False or idf is True:
        return scorer
    if isinstance(idf, (str, os.PathLike)):
        idf = Idf.load(idf)
    if isinstance(idf, Idf):
        return scorer.weighted_by(idf._counted)
    default = idf.default_factory if isinstance(idf, defaultdict) else None
    if default is None:
        raise InputError(
            "idf has no weight for tokens that it does not name",
            "make it a collections.defaultdict, as bert_score's get_idf_dict does",
        )
    for token, weight in [*idf.items(), (0, default())]:
        if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < 2**32:
            raise InputTypeError(f"idf must have token ids, whole numbers from 0, got {token!r}")
        if isinstance(weight, str) or not hasattr(weight, "__float__"):
            raise InputTypeError(f"idf must have a number for each token, got {weight!r} for token {token}")
    return scorer.weighted_by_table({token: float(weight) for token, weight in idf.items()}, float(default()))
