"""Exports a model of transformers to ONNX and fuses its operations: export_onnx.py MODEL FILE."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch
from onnxruntime.transformers import optimizer
from transformers import AutoModel


class HiddenStates(torch.nn.Module):
    def __init__(self, model: torch.nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def main() -> None:
    source, target = sys.argv[1:]
    # With this kind of attention the optimizer recognizes its graph.
    model = AutoModel.from_pretrained(source, attn_implementation="eager").eval()
    ids = torch.ones(2, 16, dtype=torch.long)
    texts, tokens = torch.export.Dim("texts", min=1, max=4096), torch.export.Dim("tokens", min=2, max=512)
    shape = {0: texts, 1: tokens}
    with tempfile.TemporaryDirectory(prefix="nearsay-onnx-") as folder:
        plain = str(Path(folder) / "model.onnx")
        torch.onnx.export(
            HiddenStates(model), (ids, torch.ones_like(ids)), plain, input_names=["input_ids", "attention_mask"],
            output_names=["last_hidden_state"], dynamic_shapes=(shape, shape), dynamo=True,
        )  # fmt: skip
        heads, width = model.config.num_attention_heads, model.config.hidden_size
        fused = optimizer.optimize_model(plain, model_type="bert", num_heads=heads, hidden_size=width, opt_level=1)
        fused.save_model_to_file(target)


if __name__ == "__main__":
    main()
