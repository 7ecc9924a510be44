"""sentence-transformers behind FastAPI: serve_sentence_transformers.py MODEL PORT THREADS."""

from __future__ import annotations

import sys

import torch
from sentence_transformers import SentenceTransformer

from server_peers.openai_app import serve


def main() -> None:
    folder, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(threads)
    model = SentenceTransformer(folder, device="cpu")
    serve(lambda texts: model.encode(texts, show_progress_bar=False), port)


if __name__ == "__main__":
    main()
