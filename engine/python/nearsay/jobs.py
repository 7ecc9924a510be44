"""Files to files of vectors, in bounded memory: what the command `nearsay embed` does."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ._calls import OUTPUT_TYPES, call_settings
from ._check import flag, one_of, path_of, text, whole
from ._command import output_of
from ._progress import Progress, reporting
from .embedder import Embedder
from .errors import InputError, InputTypeError

if TYPE_CHECKING:
    from ._types import JobSettings, OutputType, StrPath


@dataclass(frozen=True)
class JobSummary:
    """What a job did."""

    #: Texts, those of shards that were there already included.
    texts: int
    #: Rows written: one per text, or one per chunk.
    rows: int
    #: Tokens encoded, those of repeated texts once.
    tokens: int
    #: Texts that were cut.
    truncated: int
    #: Texts without tokens of their own.
    empty: int
    #: Texts that occurred nearby before, and were not encoded again.
    repeated: int
    #: Rows without text that were left out.
    skipped: int
    #: Sequences that were not UTF-8 and were replaced.
    replaced: int
    #: Shards that were there already; None if the output is a file.
    shards_before: int | None
    #: Shards that this call made.
    shards_now: int | None


def embed_files(
    inputs: StrPath | Iterable[StrPath],
    output: StrPath,
    model: Embedder | StrPath | None = None,
    *,
    text_field: str | Iterable[str] = "text",
    join: str = " ",
    id_field: str | None = None,
    no_id: bool = False,
    keep: Iterable[str] = (),
    format: str | None = None,
    separator: str | None = None,
    quotes: bool | None = None,
    lossy: bool = False,
    whole_files: bool = False,
    skip_empty: bool = False,
    level: Literal["sentence", "token"] = "sentence",
    output_type: OutputType = "f32",
    calibration: StrPath | None = None,
    json_columns: Iterable[str] = (),
    on_long: Literal["truncate", "error", "chunk"] | None = None,
    chunk_tokens: int | None = None,
    chunk_overlap: int | None = None,
    merge: Literal["mean"] | None = None,
    keep_document: bool = False,
    mark_truncated: bool = False,
    resume: bool = False,
    append: bool = False,
    overwrite: bool = False,
    rows_per_shard: int | None = None,
    shard: str | None = None,
    progress: Progress = None,
    **settings: Any,
) -> JobSummary:
    """Embeds the texts of files into a file or a folder of shards, as `nearsay embed` does, to the same bytes.

    Args:
        inputs: Files (.txt, .jsonl, .json, .csv, .tsv, .md, .html, .parquet, compressed or not), folders, or patterns.
        output: A file, whose extension names its format (.parquet, .arrow, .npy, .jsonl), or a folder, which ends in /
            and can be resumed after any interruption.
        model: An `Embedder`, or what one is opened from; `settings` has its other arguments then.
        text_field, join: The fields or columns of the text, joined by this string.
        id_field, no_id: The field of the id, or none although there is one.
        keep: Fields that are copied into the output.
        format, separator, quotes, lossy: How files are read if their names do not show it, as `nearsay embed --help` says.
        whole_files: A file is one text, whose id is its path.
        skip_empty: Leave out rows without text, and count them.
        level: "token": a vector for each token.
        output_type, calibration: The numbers of the output, and texts that set the ranges of bytes.
        json_columns: Kept columns that are written as JSON text.
        on_long: How long texts are handled. None: "chunk" for whole files, else "truncate".
        chunk_tokens, chunk_overlap, keep_document: How chunks are made, as of the command.
        merge: "mean": one vector per text, the mean of its chunks'.
        mark_truncated: Add a column that marks texts that were cut.
        resume, append, overwrite: Continue an output that exists, add rows to it, or replace it. By default an output that
            exists is an error.
        rows_per_shard: Rows of a shard. None: 10,000.
        shard: This machine's part "I/N" of the job.
        progress: True for a bar, or a function that is called with what is done, the total and the unit.
        settings: Those of a call of `Embedder.encode`, such as `prompt_name`, `normalize` and `dimensions`; and of
            `Embedder`, if `model` is not one.

    Raises:
        InputError: A row or an option breaks a rule. A folder keeps every finished shard.
        OutputError: The output exists, or cannot be written.
        BusyError: Another process writes to the folder.
    """
    embedder, call = _opened(model, settings)
    for name, given in (("resume", resume), ("append", append), ("overwrite", overwrite)):
        flag(name, given)
    existing = [name for name, is_on in (("resume", resume), ("append", append), ("overwrite", overwrite)) if is_on]
    if len(existing) > 1:
        raise InputError(f"{existing[0]} and {existing[1]} contradict each other")
    paths = _listed("inputs", inputs)
    if not paths:
        raise InputError("inputs must name a file at least", "a pattern of Python's glob may have found none")
    chosen = on_long if on_long is not None else "chunk" if whole_files else "truncate"
    if chosen != "chunk":
        for name, value in (("chunk_tokens", chunk_tokens), ("chunk_overlap", chunk_overlap), ("merge", merge)):
            if value is not None:
                raise InputError(f"{name} has no effect without chunks", 'add on_long="chunk"')
    job: JobSettings = {
        "inputs": paths,
        "output": path_of("output", output),
        "text_field": _listed("text_field", text_field),
        "join": text("join", join) or "",
        "id_field": text("id_field", id_field),
        "no_id": flag("no_id", no_id) or False,
        "keep": _listed("keep", keep),
        "format": text("format", format),
        "separator": text("separator", separator),
        "quotes": flag("quotes", quotes),
        "lossy": flag("lossy", lossy) or False,
        "whole_files": flag("whole_files", whole_files) or False,
        "skip_empty": flag("skip_empty", skip_empty) or False,
        "level": one_of("level", level, ("sentence", "token")),
        "output_type": one_of("output_type", output_type, OUTPUT_TYPES),
        "calibration": None if calibration is None else path_of("calibration", calibration),
        "json_columns": _listed("json_columns", json_columns),
        "on_long": one_of("on_long", chosen, ("truncate", "error", "chunk")),
        "chunk_tokens": whole("chunk_tokens", chunk_tokens, 1),
        "chunk_overlap": whole("chunk_overlap", chunk_overlap),
        "merge": merge is not None and one_of("merge", merge, ("mean",)) == "mean",
        "keep_document": flag("keep_document", keep_document) or False,
        "mark_truncated": flag("mark_truncated", mark_truncated) or False,
        "existing": existing[0] if existing else "refuse",
        # 0: the default of the library.
        "rows_per_shard": whole("rows_per_shard", rows_per_shard, 1) or 0,
        "shard": text("shard", shard),
    }
    with reporting(progress, "texts") as report:
        found = embedder._native().embed_files(job, call, report)
    return JobSummary(**found)  # pyright: ignore[reportArgumentType]


def _opened(model: Embedder | StrPath | None, settings: dict[str, Any]) -> tuple[Embedder, Any]:
    """The embedder, and the settings of its calls."""
    if isinstance(model, Embedder):
        return model, call_settings(model._defaults, settings)  # pyright: ignore[reportArgumentType]
    names = ("prompt", "prompt_name", "normalize", "dimensions")
    of_call = {name: settings.pop(name) for name in names if name in settings}
    embedder = Embedder(model, **settings)
    return embedder, call_settings(embedder._defaults, of_call)  # pyright: ignore[reportArgumentType]


def _listed(name: str, given: object) -> list[str]:
    """One name or path, or several."""
    if isinstance(given, (str, os.PathLike)):
        return [path_of(name, given)]
    if not isinstance(given, Iterable) or isinstance(given, (bytes, dict)):
        raise InputTypeError(f"{name} must be a str or a list of them, got {given!r}")
    return [path_of(name, one) for one in given]


def verify(*folders: StrPath) -> list[dict[str, Any]]:
    """Compares every file of jobs, indexes or runs with its checksum, as `nearsay verify` does. Several jobs are also
    checked against each other, as parts of one.

    Returns:
        A dict for each folder; of a job with `rows`, `complete` and `problems`, among others.
    """
    if not folders:
        raise InputError("verify needs a folder")
    # 1: not finished; 65: damaged.
    return output_of(["verify", "--", *(path_of("folders", folder) for folder in folders)], accepted=(0, 1, 65))


def doctor() -> dict[str, Any]:
    """What this machine and this installation can do, as `nearsay doctor` finds it: devices, instruction sets, models."""
    return output_of(["doctor"])


def bench(model: StrPath | None = None, **flags: object) -> Any:
    """Measures the speed of an encoder on this machine, as `nearsay bench` does, in a process of its own.

    Args:
        model: A folder, or a name on the hub. None: random weights of `shape`, a small model unless given.
        flags: The command's flags by their names, such as `shape="bert-base"`, `precision="int8"` and `threads=2`.

    Returns:
        What the command prints with `--json`.
    """
    arguments = [] if model is None else [f"--model={path_of('model', model)}"]
    for name, value in flags.items():
        if name in ("json", "quiet"):
            raise InputError(f"{name} is always set", "leave it out")
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            arguments.append(flag)
        elif value is not None and value is not False:
            arguments.append(f"{flag}={value}")
    return output_of(["bench", *arguments])
