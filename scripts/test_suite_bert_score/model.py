"""A small random model with the layers of roberta-large and a real tokenizer of bytes."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoTokenizer, RobertaConfig, RobertaModel

TOKENIZER = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "families" / "roberta"
_SEED = 20240607


def write(folder: Path) -> None:
    """Writes the model's folder, with vocab.json, merges.txt and tokenizer.json."""
    torch.manual_seed(_SEED)
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
    # As long as roberta-large reads.
    tokenizer.model_max_length = 512
    config = RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=24, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=514, type_vocab_size=1, pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id,
    )  # fmt: skip
    # Large enough for scores that differ from layer to layer and from text to text.
    config.initializer_range = 0.3
    RobertaModel(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
