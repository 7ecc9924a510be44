"""fastembed behind FastAPI: serve_fastembed.py MODEL PORT THREADS, with a folder of server_peers.environments.onnx_model."""

from __future__ import annotations

import sys

import numpy as np
from fastembed import TextEmbedding
from fastembed.common.model_description import ModelSource, PoolingType

from server_peers.openai_app import serve

NAME = "nearsay/peer"
DIMENSIONS = 384


def main() -> None:
    folder, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    TextEmbedding.add_custom_model(
        model=NAME, pooling=PoolingType.MEAN, normalization=True, sources=ModelSource(hf=NAME), dim=DIMENSIONS,
        model_file="model.onnx",
    )  # fmt: skip
    model = TextEmbedding(NAME, specific_model_path=folder, threads=threads)
    serve(lambda texts: np.array([*model.embed(texts)], np.float32), port)


if __name__ == "__main__":
    main()
