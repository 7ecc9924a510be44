"""Names of arguments: one that does not exist is an error with the right one in its hint."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import Any, TypeVar, cast

from .errors import InputTypeError

F = TypeVar("F", bound=Callable[..., Any])

#: Names that other packages use, or that are spelled out, and the arguments with these meanings.
_MEANT = {
    "candidates": ("cands",),
    "predictions": ("cands",),
    "hypotheses": ("cands",),
    "references": ("refs",),
    "model": ("model_type", "model_name_or_path"),
    "model_name": ("model_type", "model_name_or_path", "model"),
    "model_name_or_path": ("model_type", "model"),
    "model_type": ("model_name_or_path", "model"),
    "dtype": ("precision", "model_kwargs"),
    "torch_dtype": ("precision", "model_kwargs"),
    "layer": ("num_layers",),
    "num_layers": ("layer",),
    "language": ("lang",),
    "rescale": ("rescale_with_baseline",),
    "baseline": ("baseline_path",),
    "max_seq_length": ("max_length",),
    "num_threads": ("threads",),
    "nthreads": ("threads",),
    "local_files_only": ("offline",),
    "tokenizer": ("tokenize",),
}


def with_known_names(what: str, like: Callable[..., Any] | None = None) -> Callable[[F], F]:
    """Refuses unknown names of arguments, with a hint.

    Args:
        what: The function's name for messages.
        like: A function whose signature this one has, if its own is `*arguments, **settings`.
    """

    def decorate(function: F) -> F:
        known = _names(like or function)

        @functools.wraps(like or function, assigned=("__doc__", "__annotations__"))
        def checked(*arguments: Any, **settings: Any) -> Any:
            for name in settings:
                if name not in known:
                    raise _unknown(what, name, known)
            return function(*arguments, **settings)

        checked.__name__, checked.__qualname__ = function.__name__, function.__qualname__
        checked.__module__ = function.__module__
        return cast("F", checked)

    return decorate


def _names(function: Callable[..., Any]) -> tuple[str, ...]:
    while hasattr(function, "__wrapped__"):
        function = getattr(function, "__wrapped__")
    code = cast("Any", function).__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


def _unknown(what: str, name: str, known: Collection[str]) -> InputTypeError:
    import difflib

    meant = next((other for other in _MEANT.get(name, ()) if other in known), None)
    if meant is None:
        meant = next(iter(difflib.get_close_matches(name, known, 1)), None)
    arguments = ", ".join(name for name in known if name != "self")
    hint = f"did you mean {meant}?" if meant else f"its arguments are {arguments}"
    return InputTypeError(f"{what} has no argument {name!r}", hint)
