"""Where the models lie."""
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
    """The packed model's folder for None. Those with random weights are made when one is first asked for."""
    if shape is None:
        return context.package.minilm
    folder = context.package.work / "models"
    # All in one go, for which PyTorch is started once; those that are there are left alone.
    if not (folder / shape.name / ".complete").exists():
        command = [context.package.python, "-m", "gpu_check.random_models", context.package.minilm, folder]
        context.programs.output([*command, *(json.dumps(asdict(each)) for each in context.sizes.random_models())])
    return folder / shape.name
