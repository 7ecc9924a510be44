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
from .chunk import Chunk
from .embedder import Embedder
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

if TYPE_CHECKING:
    from . import bert_score as bert_score
    from . import evaluate as evaluate
    from . import metrics as metrics
    from .cross_encoder import CrossEncoder
    from .explanation import Explanation
    from .idf import Idf
    from .jobs import JobSummary, bench, doctor, embed_files, verify
    from .opened import cached
    from .references import EncodedReferences
    from .scorer import BERTScorer
    from .scoring import score
    from .sentence_transformer import SentenceTransformer

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

#: What is imported on first use, and the module that has it: `import nearsay` takes little more time than numpy.
_LATER = {
    "BERTScorer": "scorer",
    "CrossEncoder": "cross_encoder",
    "EncodedReferences": "references",
    "Explanation": "explanation",
    "Idf": "idf",
    "JobSummary": "jobs",
    "SentenceTransformer": "sentence_transformer",
    "bench": "jobs",
    "cached": "opened",
    "doctor": "jobs",
    "embed_files": "jobs",
    "score": "scoring",
    "verify": "jobs",
}
#: Modules that are imported on first use.
_MODULES = ("bert_score", "evaluate", "metrics")

_start_log()


def __getattr__(name: str) -> object:
    """Imports a module, or what one has, on first use."""
    import importlib

    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
