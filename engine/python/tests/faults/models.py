"""The objects that the cases use, on tiny models, and a large model for what takes long."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from conftest import BERT, FIXTURES, some_texts

import nearsay

TEXTS = some_texts(60)
CROSS_ENCODER = str(FIXTURES / "cross-encoders" / "bert")
#: The shape of bert-base.
HIDDEN, INTERMEDIATE, LAYERS, HEADS, POSITIONS, VOCABULARY = 768, 3072, 12, 12, 512, 30_522


class Models:
    """One opened object of each kind. Pickled, references are encoded again, as they cannot be pickled."""

    def __init__(self) -> None:
        self.embedder = nearsay.Embedder(BERT)
        self.scorer = nearsay.BERTScorer(BERT, 2)
        self.cross_encoder = nearsay.CrossEncoder(CROSS_ENCODER)
        self._encode_references()

    def _encode_references(self) -> None:
        self.references = self.scorer.references(TEXTS[::-1])

    def calls(self) -> dict[str, Callable[[], Any]]:
        """A call of each object, on the same texts."""
        return {
            "Embedder": lambda: self.embedder.encode(TEXTS),
            "BERTScorer": lambda: self.scorer.score(TEXTS, TEXTS[::-1]),
            "references": lambda: self.references.score(TEXTS),
            "CrossEncoder": lambda: self.cross_encoder.predict([*zip(TEXTS, TEXTS[::-1])]),
        }

    def digest(self, kind: str) -> str:
        """The digest of the bits of the call of one object."""
        found = self.calls()[kind]()
        return hashlib.sha256(np.asarray(found).tobytes()).hexdigest()

    def digests(self) -> dict[str, str]:
        """The digests of all kinds."""
        return {kind: self.digest(kind) for kind in self.calls()}

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "references"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._encode_references()


def large_model(folder: Path) -> str:
    """Writes a BERT of the shape of bert-base with random weights (440 MB), and the tokenizer of the tiny one."""
    shutil.copytree(BERT, folder)
    config = json.loads((folder / "config.json").read_text("utf-8"))
    config |= {
        "hidden_size": HIDDEN, "intermediate_size": INTERMEDIATE, "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS, "max_position_embeddings": POSITIONS, "vocab_size": VOCABULARY,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    shapes = tensor_shapes()
    header, size = {}, 0
    for name, shape in shapes.items():
        end = size + 4 * int(np.prod(shape))
        header[name], size = {"dtype": "F32", "shape": shape, "data_offsets": [size, end]}, end
    text = json.dumps(header).encode()
    random = np.random.default_rng(11)
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in shapes.items():
            values = random.standard_normal(shape, np.float32) * np.float32(0.02)
            file.write((values + 1 if name.endswith("LayerNorm.weight") else values).tobytes())
    return str(folder)


def tensor_shapes() -> dict[str, list[int]]:
    """The tensors of a BERT and their shapes."""
    linear = {
        "attention.self.query": (HIDDEN, HIDDEN), "attention.self.key": (HIDDEN, HIDDEN),
        "attention.self.value": (HIDDEN, HIDDEN), "attention.output.dense": (HIDDEN, HIDDEN),
        "intermediate.dense": (INTERMEDIATE, HIDDEN), "output.dense": (HIDDEN, INTERMEDIATE),
    }  # fmt: skip
    tables = {"word": VOCABULARY, "position": POSITIONS, "token_type": 2}
    shapes = {f"embeddings.{name}_embeddings.weight": [rows, HIDDEN] for name, rows in tables.items()}
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        for name, shape in linear.items():
            shapes[f"encoder.layer.{layer}.{name}.weight"] = [*shape]
            shapes[f"encoder.layer.{layer}.{name}.bias"] = [shape[0]]
        norms += [f"encoder.layer.{layer}.{part}.LayerNorm" for part in ("attention.output", "output")]
    for name in norms:
        shapes |= {f"{name}.weight": [HIDDEN], f"{name}.bias": [HIDDEN]}
    return shapes
