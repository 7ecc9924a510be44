"""Small random models in place of those that the tests open from the hub.

Their weights are chosen so that the tests pass with sentence-transformers: texts are close if they share words.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from transformers import AutoTokenizer, BertConfig, BertModel, RobertaConfig, RobertaModel

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "families"
#: The names on the hub, and the folders of what is opened instead.
FOLDERS = {
    "sentence-transformers-testing/stsb-bert-tiny-safetensors": "bert",
    "sentence-transformers/paraphrase-distilroberta-base-v1": "roberta",
}
_SEED = 20240610
_POSITIONS = 130


def write(root: Path) -> None:
    """Writes the models' folders."""
    torch.manual_seed(_SEED)
    tokenizer = AutoTokenizer.from_pretrained(FIXTURES / "bert")
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=512,
        max_position_embeddings=_POSITIONS,
    )  # fmt: skip
    save(BertModel(config).eval(), tokenizer, root / FOLDERS["sentence-transformers-testing/stsb-bert-tiny-safetensors"])
    tokenizer = AutoTokenizer.from_pretrained(FIXTURES / "roberta")
    config = RobertaConfig(
        vocab_size=len(tokenizer), hidden_size=768, num_hidden_layers=2, num_attention_heads=12, intermediate_size=128,
        max_position_embeddings=_POSITIONS, type_vocab_size=1,
    )  # fmt: skip
    save(RobertaModel(config).eval(), tokenizer, root / FOLDERS["sentence-transformers/paraphrase-distilroberta-base-v1"])


def save(model: BertModel | RobertaModel, tokenizer, folder: Path) -> None:
    """Saves the model with mean pooling."""
    with torch.no_grad():
        model.embeddings.position_embeddings.weight *= 0.1
        # Without it a vector's mean is 0 before it is normalized, too.
        model.encoder.layer[-1].output.LayerNorm.bias += 0.05
    tokenizer.model_max_length = _POSITIONS - 2
    plain = folder.with_name(f"{folder.name}-plain")
    model.save_pretrained(plain)
    tokenizer.save_pretrained(plain)
    transformer = Transformer(str(plain))
    pooling = Pooling(transformer.get_embedding_dimension(), "mean")
    SentenceTransformer(modules=[transformer, pooling], device="cpu").save(str(folder), create_model_card=False)
