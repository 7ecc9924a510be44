"""Texts to vectors."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, cast, overload

import numpy as np

from . import _nearsay
from ._calls import IN_PARTS, NO_CALL, OUTPUT_TYPES, SCALED, call_settings, checked, prepared
from ._check import flag, one_of, whole
from ._memory import check_fits
from ._model import model_settings, open_compiled
from ._names import with_known_names
from ._parts import cut, report_of_all, report_of_part
from ._progress import Progress, reporting
from .chunk import Chunk
from .errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    import numpy.typing as npt

    from ._nearsay import Array, EmbedReport, TokenVectors
    from ._types import (
        CallSettings,
        EncodeSettings,
        ModelSettings,
        Nulls,
        OnLong,
        OutputType,
        Precision,
        StrPath,
        Texts,
        Vectors,
    )

#: Texts of a part of a call that writes into an array.
_ROWS = 8192


class Embedder:
    """An opened model that turns texts into vectors. Any number of threads may use it at the same time.

    Args:
        model: A folder, or a name on the Hugging Face hub, with or without `@REVISION`. None: NEARSAY_MODEL.
        precision: Of the encoder's products: "f32", "bf16", "f16" (GPUs) or "int8".
        device: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:0,1", "metal", a number of a GPU, or a torch.device.
        threads: On the CPU. None: NEARSAY_THREADS, what Ray or Spark gave this worker, OMP_NUM_THREADS, or one per core.
        max_length: The longest text in tokens. None: as the model's files say.
        pooling: "auto" (as the model's files say), or "mean", "cls", "max", "last", "mean_sqrt_length", "weighted_mean".
        layer: The layer whose hidden states are used; 0 is the embeddings. None: the last.
        task: A task of the model's adapters, or "query" or "document".
        revision: A branch, a tag or a commit on the hub.
        offline: Never ask the hub. None: as HF_HUB_OFFLINE says.
        cache_folder: Where models from the hub are kept. None: as HF_HOME and the like say.

    Raises:
        ModelNotFoundError: If the model is not found.
        ModelError: If its files break a rule.
        InputError: For a setting that the model cannot follow.
    """

    @with_known_names("Embedder")
    def __init__(
        self,
        model: StrPath | None = None,
        *,
        precision: Precision = "f32",
        device: object = "auto",
        threads: int | None = None,
        max_length: int | None = None,
        pooling: str = "auto",
        layer: int | None = None,
        task: str | None = None,
        revision: str | None = None,
        offline: bool | None = None,
        cache_folder: StrPath | None = None,
    ) -> None:
        opened = model_settings(model, precision, device, threads, revision, offline, cache_folder)
        defaults: CallSettings = {
            **NO_CALL, "task": task, "pooling": pooling, "layer": layer, "max_length": max_length
        }
        self._open(opened, defaults)

    def _open(self, model: ModelSettings, defaults: CallSettings) -> None:
        self._model = model
        self._defaults = defaults
        self._local = threading.local()
        self._opened: _nearsay.Embedder | None = open_compiled(_nearsay.Embedder, model, checked(defaults))

    @overload
    def encode(
        self, texts: Texts, *, return_report: Literal[False] = False, **settings: Unpack[EncodeSettings]
    ) -> Vectors: ...

    @overload
    def encode(
        self, texts: Texts, *, return_report: Literal[True], **settings: Unpack[EncodeSettings]
    ) -> tuple[Vectors, EmbedReport]: ...

    def encode(
        self,
        texts: Texts,
        *,
        output_type: OutputType = "f32",
        on_long: OnLong = "truncate",
        out: npt.NDArray[Any] | None = None,
        nulls: Nulls = "error",
        progress: Progress = None,
        return_report: bool = False,
        **settings: Unpack[CallSettings],
    ) -> Vectors | tuple[Vectors, EmbedReport]:
        """The vectors of texts, in order.

        Args:
            texts: A list, any other iterable of str, or a numpy, pandas, polars or Arrow array of strings.
            output_type: "f32", "f16", "i8" and "u8" (a byte per value, scaled by the ranges of these vectors), or
                "binary" and "ubinary" (a bit per value).
            on_long: "truncate" cuts texts that are too long, and the report counts them; "error" refuses them.
            out: An array to write to, such as a memmap: [texts, dimensions] of the output type, in C order. Then at most
                8,192 vectors are in memory besides.
            nulls: "error", or "keep": a missing text (None, NaN, null) has a row of NaN.
            progress: True for a bar, or a function that is called with what is done, the total and the unit.
            return_report: Return the report, too: `(vectors, report)`.
            prompt, prompt_name: A text, or the model's prompt of this name, before each text.
            normalize: Whether vectors have length 1. None: as the model's files say.
            dimensions: Keep the first values of each vector (Matryoshka).
            pooling, layer, task, max_length: As for the model, for this call.

        Returns:
            [texts, dimensions], in C order; `out` if it was given. `report` says what the call found in the texts.

        Raises:
            InputError: A text is missing, or a setting does not fit; the message names the text.
            InputTypeError: A text is not a str.
            HostMemoryError: The vectors do not fit into memory.
        """
        flag("return_report", return_report)
        vectors, report = self._encode(
            texts, None, output_type=output_type, on_long=on_long, out=out, nulls=nulls, progress=progress, **settings
        )
        self._local.report = report
        return (vectors, report) if return_report else vectors

    def _encode(
        self,
        texts: Texts,
        cancel: _nearsay.Cancel | None,
        first: int = 0,
        *,
        output_type: OutputType = "f32",
        on_long: OnLong = "truncate",
        out: npt.NDArray[Any] | None = None,
        nulls: Nulls = "error",
        progress: Progress = None,
        **settings: Unpack[CallSettings],
    ) -> tuple[Vectors, EmbedReport]:
        """`first` is the index of the first text, for messages."""
        opened, call = self._call(settings)
        one_of("output_type", output_type, OUTPUT_TYPES)
        one_of("on_long", on_long, ("truncate", "error"))
        given = prepared(texts, nulls, first)
        rows = len(given)
        if nulls == "keep" and output_type not in ("f32", "float32") and given.nulls():
            raise InputError(f"a null row has no {output_type} values", "only float32 has: there a null row is NaN")
        # The bytes are scaled by the ranges of all vectors, which are needed together.
        needs_all = output_type in SCALED
        dimensions = opened.describe(call)["dimensions"] if out is not None or rows > _ROWS else 0
        if rows > _ROWS and (out is None or needs_all):
            check_fits(4 * rows * dimensions, "the vectors", IN_PARTS)
        if rows == 0 and needs_all and out is None:
            # No vectors have no ranges.
            dtype = np.int8 if output_type in ("i8", "int8") else np.uint8
            nothing = np.empty((0, opened.describe(call)["dimensions"]), dtype)
            return cast("Vectors", nothing), _nearsay.EmbedReport()
        if out is None:
            with reporting(progress, "texts") as report:
                vectors, found = opened.encode(given, 0, rows, call, output_type, on_long, None, report, cancel)
            return cast("Vectors", vectors), found
        width = dimensions // 8 if output_type in ("binary", "ubinary") else dimensions
        if not isinstance(out, np.ndarray) or out.shape != (rows, width):
            got = getattr(out, "shape", type(out).__name__)
            raise InputError(f"out must be a numpy array of the shape ({rows}, {width}), got {got}")
        step = max(rows, 1) if needs_all else _ROWS
        found = _nearsay.EmbedReport()
        with reporting(progress, "texts") as report:
            for start in range(0, max(rows, 1), step):
                part = out[start : start + step]
                of_all = None if report is None else functools.partial(report_of_all, report, start, rows)
                _, of_part = opened.encode(
                    given, start, start + len(part), call, output_type, on_long, part, of_all, cancel
                )
                found = found.followed_by(of_part, start)
        return cast("Vectors", out), found

    def encode_arrow(
        self,
        texts: Texts,
        *,
        list: bool = False,
        on_long: OnLong = "truncate",
        nulls: Nulls = "error",
        progress: Progress = None,
        **settings: Unpack[CallSettings],
    ) -> Array:
        """The vectors as an Arrow array of fixed-size lists of float32, which pyarrow, polars and others read as it is.

        Args:
            list: Plain lists instead, which Spark needs.
            nulls: "error", or "keep": a missing text has a null.

        The other arguments are those of `encode`.
        """
        opened, call = self._call(settings)
        one_of("on_long", on_long, ("truncate", "error"))
        given = prepared(texts, nulls)
        if len(given) > _ROWS:
            check_fits(4 * len(given) * opened.describe(call)["dimensions"], "the vectors", IN_PARTS)
        with reporting(progress, "texts") as report:
            vectors, self._local.report = opened.encode_arrow(given, call, on_long, list, report, None)
        return vectors

    def encode_tokens(
        self,
        texts: Texts,
        *,
        on_long: OnLong = "truncate",
        progress: Progress = None,
        **settings: Unpack[CallSettings],
    ) -> TokenVectors:
        """The hidden states of every token, and where it is in its text.

        Returns:
            `values` [tokens, hidden_dim], `cu_seqlens` [texts + 1], `token_ids`, `tokens`, `byte_offsets` and
            `character_offsets` [tokens, 2]; `vectors[i]` is the matrix of text i.
        """
        for name in ("dimensions", "pooling"):
            if settings.get(name) is not None:
                raise InputError(f"{name} has no effect on the vectors of tokens", "leave it out")
        opened, call = self._call(settings)
        one_of("on_long", on_long, ("truncate", "error"))
        given = prepared(texts, "error")
        with reporting(progress, "texts") as report:
            vectors, self._local.report = opened.encode_tokens(given, call, on_long, report, None)
        return vectors

    def encode_iter(
        self, texts: Texts, rows: int = _ROWS, *, output_type: OutputType = "f32", **settings: Any
    ) -> Iterator[Vectors]:
        """The vectors of any number of texts, `rows` at a time, in bounded memory: of a generator, for example.

        With "i8" and "u8" each part is scaled by its own ranges, so these are refused. The other arguments are those of
        `encode`.
        """
        whole("rows", rows, 1)
        if output_type in SCALED:
            raise InputError(
                f"output_type={output_type!r} scales by the ranges of all vectors, and encode_iter sees a part of them",
                "use float16, or binary",
            )
        is_iterable = hasattr(texts, "__iter__") or hasattr(texts, "__getitem__")
        if not is_iterable or isinstance(texts, (str, bytes, dict, set, frozenset)):
            prepared(texts, "error")
        return self._parts(cut(texts, rows), output_type=output_type, **settings)

    def _parts(self, parts: Iterator[Texts], progress: Progress = None, **settings: Any) -> Iterator[Vectors]:
        start = 0
        found = _nearsay.EmbedReport()
        with reporting(progress, "texts") as report:
            for part in parts:
                of_all = None if report is None else functools.partial(report_of_part, report, start)
                vectors, of_part = self._encode(part, None, start, progress=of_all, **settings)
                found = found.followed_by(of_part, start)
                self._local.report = found
                start += len(vectors)
                yield vectors

    async def aencode(self, texts: Texts, **settings: Any) -> Any:
        """`encode` for asyncio: the loop goes on meanwhile, and a cancelled task stops the work."""
        import asyncio

        return_report = flag("return_report", settings.pop("return_report", None))
        cancel = _nearsay.Cancel()
        work = functools.partial(self._encode, texts, cancel, **settings)
        try:
            vectors, report = await asyncio.get_running_loop().run_in_executor(None, work)
            self._local.report = report
            return (vectors, report) if return_report else vectors
        except asyncio.CancelledError:
            cancel.cancel()
            raise

    def tokenize(self, texts: Texts, **settings: Unpack[CallSettings]) -> list[npt.NDArray[np.uint32]]:
        """The token ids of each text, special tokens and the prompt included."""
        opened, call = self._call(settings)
        return opened.tokenize(prepared(texts, "error"), call)

    def count_tokens(self, texts: Texts, **settings: Unpack[CallSettings]) -> npt.NDArray[np.int64]:
        """The number of tokens of each text, special tokens and the prompt included, after truncation."""
        opened, call = self._call(settings)
        return opened.count_tokens(prepared(texts, "error"), call)

    def chunk(
        self,
        texts: Texts,
        *,
        tokens: int | None = None,
        overlap: int | None = None,
        **settings: Unpack[CallSettings],
    ) -> list[list[Chunk]]:
        """The chunks of each text that the model can read whole, which end at sentences or words.

        Args:
            tokens: The longest chunk in tokens, special tokens and the prompt included. None: the longest text.
            overlap: About how many tokens a chunk shares with the one before. None: a quarter of a chunk, at most 16.
            prompt, prompt_name, max_length: As for `encode`.

        Returns:
            For each text its chunks: the chunk's text, and where it starts and ends, in characters and in bytes of
            UTF-8.
        """
        opened, call = self._call(settings)
        found = opened.chunk(prepared(texts, "error"), call, whole("tokens", tokens, 1), whole("overlap", overlap))
        return [[Chunk(*part) for part in parts] for parts in found]

    @property
    def report(self) -> EmbedReport | None:
        """What this thread's last call found in its texts: texts, tokens, repeated, truncated, empty, seconds."""
        return getattr(self._local, "report", None)

    @property
    def settings(self) -> dict[str, Any]:
        """The model and all settings as they are in effect."""
        opened, call = self._call({})
        return {"model": self._model["model"], **opened.describe(call)}

    @property
    def sha256(self) -> str:
        """The SHA-256 of the model's files."""
        return self._native().sha256()

    @property
    def dimensions(self) -> int:
        """Values of a vector."""
        return self.settings["dimensions"]

    @property
    def max_tokens(self) -> int:
        """The longest text in tokens, special tokens included."""
        return self.settings["max_tokens"]

    @property
    def prompts(self) -> dict[str, str]:
        """The prompts in the model's files."""
        return self.settings["prompts"]

    @property
    def device(self) -> str:
        """Where the encoder runs."""
        return self.settings["device"]

    def close(self) -> None:
        """Releases the model. Later calls fail; calls at work in other threads finish."""
        self._opened = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        if self._opened is None:
            return f"<Embedder {self._model['model']!r}, closed>"
        found = self.settings
        return f"<Embedder {found['model']!r}: {found['dimensions']} dimensions, {found['precision']}, {found['device']}>"

    def __reduce__(self) -> tuple[Any, ...]:
        # That module imports this one.
        from .opened import reopened

        return reopened, (self._model, self._defaults, self.sha256)

    def _native(self) -> _nearsay.Embedder:
        if self._opened is None:
            raise InputError(f"the model {self._model['model']!r} is closed")
        return self._opened

    def _call(self, settings: CallSettings) -> tuple[_nearsay.Embedder, CallSettings]:
        return self._native(), call_settings(self._defaults, settings)
