"""Types of arguments."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Union

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ._progress import Progress

    #: Any array of vectors.
    Vectors = npt.NDArray[np.float32] | npt.NDArray[np.float16] | npt.NDArray[np.int8] | npt.NDArray[np.uint8]


class ArrowStream(Protocol):
    """Arrays, chunked or not, of pyarrow, polars, pandas and others."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


class ArrowArray(Protocol):
    """An array of pyarrow and others."""

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]: ...


#: Texts: any iterable of str, or Arrow data with strings.
Texts = Union[Iterable[str], ArrowStream, ArrowArray]
StrPath = Union[str, "os.PathLike[str]"]
Precision = Literal["f32", "bf16", "f16", "int8", "float32", "bfloat16", "float16"]
OutputType = Literal["f32", "f16", "i8", "u8", "binary", "ubinary", "float32", "float16", "int8", "uint8"]
OnLong = Literal["truncate", "error"]
OnLongPair = Literal["truncate", "error", "windows"]
Nulls = Literal["error", "keep"]


class ModelSettings(TypedDict):
    """How a model is opened."""

    model: str
    precision: str
    device: str
    threads: int | None
    offline: bool | None
    cache_folder: StrPath | None


class CallSettings(TypedDict, total=False):
    """How texts become vectors; what is absent or None is as for the model."""

    prompt: str | None
    prompt_name: str | None
    task: str | None
    normalize: bool | None
    dimensions: int | None
    pooling: str | None
    layer: int | None
    max_length: int | None


class PairSettings(TypedDict):
    """How a cross-encoder scores pairs."""

    max_length: int | None
    logits: bool
    prompt: str | None


class JobSettings(TypedDict):
    """How files are read and written."""

    inputs: list[str]
    output: str
    text_field: list[str]
    join: str
    id_field: str | None
    no_id: bool
    keep: list[str]
    format: str | None
    separator: str | None
    quotes: bool | None
    lossy: bool
    whole_files: bool
    skip_empty: bool
    level: str
    output_type: str
    calibration: str | None
    json_columns: list[str]
    on_long: str
    chunk_tokens: int | None
    chunk_overlap: int | None
    merge: bool
    keep_document: bool
    mark_truncated: bool
    existing: str
    rows_per_shard: int
    shard: str | None


class EncodeSettings(CallSettings, total=False):
    """How a call makes an array of vectors."""

    output_type: OutputType
    on_long: OnLong
    out: npt.NDArray[Any] | None
    nulls: Nulls
    progress: Progress


class ScoreSettings(TypedDict):
    """How pairs are scored."""

    layer: int | None
    max_length: int | None
    on_long: str
    use_fast_tokenizer: bool
    lang: str | None
    rescale_with_baseline: bool
    baseline_path: StrPath | None
