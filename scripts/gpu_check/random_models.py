"""Makes sentence-transformers folders of BERTs with random weights in f16, with the tokenizer of all-MiniLM-L6-v2.

usage: python3 -m gpu_check.random_models MINILM_FOLDER OUT_FOLDER SHAPE_AS_JSON ..

A shape has name, layers, hidden_dim and heads. The same seed gives the same weights. A folder that is complete is left alone.
"""
from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

COPIED = (
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
)


def make(minilm: Path, folder: Path, shape: dict[str, Any]) -> None:
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    config = BertConfig(
        vocab_size=30522,
        hidden_size=shape["hidden_dim"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        intermediate_size=4 * shape["hidden_dim"],
    )
    folder.mkdir(parents=True, exist_ok=True)
    BertModel(config).half().save_pretrained(folder)
    for name in COPIED:
        shutil.copy(minilm / name, folder / name)
    pooling = json.loads((minilm / "1_Pooling/config.json").read_text("utf-8"))
    pooling["word_embedding_dimension"] = shape["hidden_dim"]
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling), "utf-8")
    (folder / ".complete").touch()


def main() -> None:
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    minilm, out = Path(sys.argv[1]), Path(sys.argv[2])
    for shape in map(json.loads, sys.argv[3:]):
        if not (out / shape["name"] / ".complete").exists():
            make(minilm, out / shape["name"], shape)


if __name__ == "__main__":
    main()
