"""The package bert_score 0.3.13 under its own names, computed by nearsay.

    from nearsay.bert_score import BERTScorer, score

`install()` puts this module where `import bert_score` finds it, for code that cannot be changed. Scores are torch tensors
wherever torch is installed, as there.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

from .. import scorer as _scorer
from .. import scoring as _scoring
from .._names import with_known_names
from .._nearsay import REPRODUCED_VERSION as __version__
from . import utils

__all__ = ["BERTScorer", "__version__", "install", "score", "utils"]


class BERTScorer(_scorer.BERTScorer):
    """`nearsay.BERTScorer`, whose scores are torch tensors wherever torch is installed."""

    @staticmethod
    def _prefers_tensors() -> bool:
        return importlib.util.find_spec("torch") is not None

    @property
    def hash(self) -> str:
        """The name that `utils.get_hash` gives to these settings: callers compare the two. `signature` has more."""
        return utils.get_hash(
            self.model_type,
            self.num_layers,
            self.idf,
            self.rescale_with_baseline,
            self._settings["baseline_path"] is not None,
            self.use_fast_tokenizer,
        )


@with_known_names("score", like=_scoring.score)
def score(*arguments: Any, **settings: Any) -> Any:
    return _scoring.score_with(BERTScorer, *arguments, **settings)


def install() -> None:
    """Makes `import bert_score` find this module, for the rest of the process.

    Code that imported the original before keeps it.
    """
    module = sys.modules[__name__]
    # The original has its class in a module of its own.
    setattr(module, "scorer", module)
    sys.modules["bert_score"] = module
    sys.modules["bert_score.utils"] = utils
    sys.modules["bert_score.scorer"] = module
