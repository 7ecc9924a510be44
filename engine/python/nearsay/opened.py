"""Embedders that a process opens once: those that are asked for by name, and those that are unpickled."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, cast

from . import _nearsay
from ._model import check_sha256, open_compiled
from ._shared import Shared
from .embedder import Embedder

if TYPE_CHECKING:
    from ._types import CallSettings, ModelSettings, StrPath

_cached: Shared[Embedder] = Shared()
#: Models that were unpickled, by their settings and files. They stay, for a worker that unpickles one task after another.
_unpickled: Shared[_nearsay.Embedder] = Shared()


def cached(model: StrPath | None = None, **settings: Any) -> Embedder:
    """The embedder of this model and these settings, opened once per process and shared by its callers."""
    named = os.environ.get("NEARSAY_MODEL") if model is None else os.fspath(model)
    key = repr((named, sorted(settings.items())))
    return _cached.get(key, lambda: Embedder(model, **settings), lambda found: found._opened is not None)


def reopened(model: ModelSettings, defaults: CallSettings, sha256: str) -> Embedder:
    """An embedder that was pickled: it shares its weights with those of this process that were pickled from the same."""

    def open_again() -> _nearsay.Embedder:
        found = open_compiled(_nearsay.Embedder, model, defaults)
        check_sha256(model["model"], found.sha256(), sha256)
        return found

    embedder = Embedder.__new__(Embedder)
    # Copies: one of them may get other defaults.
    embedder._model = cast("ModelSettings", {**model})
    embedder._defaults = cast("CallSettings", {**defaults})
    embedder._local = threading.local()
    embedder._opened = _unpickled.get(repr((sorted(model.items()), sorted(defaults.items()), sha256)), open_again)
    return embedder
