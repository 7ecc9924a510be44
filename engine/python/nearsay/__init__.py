"""Exact embeddings and BERTScore.

    import nearsay

    model = nearsay.Embedder("sentence-transformers/all-MiniLM-L6-v2")
    vectors = model.encode(["A river ran over its banks.", "The flood came at night."])   # (2, 384) float32

    scorer = nearsay.BERTScorer(lang="en")
    precision, recall, f1 = scorer.score(["The cat sat."], ["A cat was sitting."])

A text gets the same bits in any batch, order and thread, and from the command `nearsay`, which this package brings along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._log import start_log as _start_log
from ._nearsay import VERSION as __version__
from ._nearsay import Array, EmbedReport, TokenVectors
from .cross_encoder import CrossEncoder
from .embedder import Chunk, Embedder
from .errors import (
    BusyError,
    CancelledError,
    DeadlineError,
    DeviceError,
    DeviceMemoryError,
    Error,
    HostMemoryError,
    InputError,
    InputNotFoundError,
    InputTypeError,
    InternalError,
    ModelError,
    ModelNotFoundError,
    OutputError,
)
from .explanation import Explanation
from .idf import Idf
from .jobs import JobSummary, bench, doctor, embed_files, verify
from .opened import cached
from .references import EncodedReferences
from .scorer import BERTScorer
from .scoring import score
from .sentence_transformer import SentenceTransformer

if TYPE_CHECKING:
    from . import bert_score as bert_score
    from . import evaluate as evaluate
    from . import metrics as metrics

__all__ = [
    "Array",
    "BERTScorer",
    "BusyError",
    "CancelledError",
    "Chunk",
    "CrossEncoder",
    "DeadlineError",
    "DeviceError",
    "DeviceMemoryError",
    "EmbedReport",
    "Embedder",
    "EncodedReferences",
    "Error",
    "Explanation",
    "HostMemoryError",
    "Idf",
    "InputError",
    "InputNotFoundError",
    "InputTypeError",
    "InternalError",
    "JobSummary",
    "ModelError",
    "ModelNotFoundError",
    "OutputError",
    "SentenceTransformer",
    "TokenVectors",
    "__version__",
    "bench",
    "bert_score",
    "cached",
    "doctor",
    "embed_files",
    "evaluate",
    "metrics",
    "score",
    "verify",
]

#: Modules that are imported on first use.
_LATER = ("bert_score", "evaluate", "metrics")

_start_log()


def __getattr__(name: str) -> object:
    """Imports a module on first use: `nearsay.bert_score`."""
    if name in _LATER:
        import importlib

        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
