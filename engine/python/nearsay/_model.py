"""Settings of a model, which are the same for every class."""

from __future__ import annotations

import os

from collections.abc import Callable
from typing import TypeVar

from ._check import flag, path_of, text, whole
from ._threads import threads as number_of_threads
from ._types import ModelSettings, StrPath
from .errors import DeviceError, InputError, InputTypeError

Settings = TypeVar("Settings")
T = TypeVar("T")


def model_settings(
    model: StrPath | None,
    precision: str,
    device: object,
    threads: int | None,
    revision: str | None,
    offline: bool | None,
    cache_folder: StrPath | None,
) -> ModelSettings:
    """Checks what Rust cannot, and spells devices as the library does."""
    if model is None:
        model = os.environ.get("NEARSAY_MODEL")
        if model is None:
            raise InputError("no model is named", "name a folder or a model on the hub, or set NEARSAY_MODEL")
    name = path_of("model", model)
    if text("revision", revision) is not None:
        if "@" in os.path.basename(name):
            raise InputError(f"revision={revision!r} contradicts {name!r}, which names one")
        name = f"{name}@{revision}"
    return {
        "model": name,
        "precision": text("precision", precision) or "f32",
        "device": device_name(device),
        "threads": whole("threads", threads, 1),
        "offline": flag("offline", offline),
        "cache_folder": None if cache_folder is None else path_of("cache_folder", cache_folder),
    }


def check_sha256(model: str, here: str, pickled: str) -> None:
    """Refuses a model whose files are not those of the pickled one."""
    if here != pickled:
        raise InputError(
            f"{model}: the model here has other files than the pickled one: SHA-256 {here[:12]}.. instead of "
            f"{pickled[:12]}.."
        )


def to_open(settings: ModelSettings) -> ModelSettings:
    """The settings with the threads that this process has: those of a pickle were another's."""
    return {**settings, "threads": number_of_threads(settings["threads"])}


def open_compiled(make: Callable[[ModelSettings, Settings], T], model: ModelSettings, settings: Settings) -> T:
    """A compiled model. A device that this wheel was built without is an error that names the wheel with it."""
    try:
        return make(to_open(model), settings)
    except DeviceError as error:
        # The library's hint names a feature of cargo.
        if error.hint is None or "build with feature" not in error.hint:
            raise
        hint = "run with device=\"cpu\""
        if "`cuda`" in error.hint:
            hint = f"this wheel is for CPUs: build one for GPUs with `scripts/build-wheel --cuda`, or {hint}"
        raise DeviceError(error.message, hint) from None


def device_name(device: object) -> str:
    """A device by its name, its number on CUDA, or as torch has it."""
    if device is None:
        return "auto"
    if isinstance(device, bool):
        raise InputTypeError(f"device must be a name such as \"cpu\" or \"cuda:0\", got {device}")
    if isinstance(device, int):
        return f"cuda:{device}"
    # torch.device("cuda", 0) is written cuda:0; torch calls Apple's GPU mps.
    name = str(device)
    return "metal" if name.partition(":")[0] == "mps" else name
