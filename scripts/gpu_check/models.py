"""The folders of the models."""
from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Optional

from .sizes import MINILM, ModelShape
from .step import Context


def name_of(shape: Optional[ModelShape]) -> str:
    return shape.name if shape else MINILM


def folder_of(context: Context, shape: Optional[ModelShape]) -> Path:
    """The packed model's folder for None. Models with random weights are created on first use."""
    if shape is None:
        return context.package.minilm
    folder = context.package.work / "models"
    # Creates all at once, so that PyTorch starts once; existing ones are kept.
    if not (folder / shape.name / ".complete").exists():
        command = [context.package.python, "-m", "gpu_check.random_models", context.package.minilm, folder]
        context.programs.output([*command, *(json.dumps(asdict(each)) for each in context.sizes.random_models())])
    return folder / shape.name
