"""A model of 24 layers, whose 17th bert_score's defaults for roberta-large choose, from a tiny one."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

LAYERS = 24
#: A weight of a layer, in a file of safetensors.
OF_LAYER = re.compile(r"(.*\blayer\.)(\d+)(\..*)")


def write_deep_model(source: Path, target: Path) -> None:
    """Copies a model, whose layers are repeated."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("expected*", "texts.json"))
    configuration = json.loads((source / "config.json").read_text("utf-8"))
    few = configuration["num_hidden_layers"]
    configuration["num_hidden_layers"] = LAYERS
    (target / "config.json").write_text(json.dumps(configuration), "utf-8")
    header, data = read_safetensors(source / "model.safetensors")
    weights: dict[str, tuple[dict[str, object], bytes]] = {}
    for name, entry in header.items():
        start, end = entry.pop("data_offsets")
        found = OF_LAYER.fullmatch(name)
        layers = range(int(found[2]), LAYERS, few) if found else [0]
        for layer in layers:
            copy = f"{found[1]}{layer}{found[3]}" if found else name
            weights[copy] = (entry, data[start:end])
    write_safetensors(target / "model.safetensors", weights)


def read_safetensors(path: Path) -> tuple[dict[str, dict], bytes]:
    content = path.read_bytes()
    size = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + size])
    header.pop("__metadata__", None)
    return header, content[8 + size :]


def write_safetensors(path: Path, weights: dict[str, tuple[dict[str, object], bytes]]) -> None:
    header, at = {}, 0
    for name, (entry, data) in weights.items():
        header[name] = {**entry, "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(data for _, data in weights.values()))
