"""Measures one of nearsay's peers and prints one line of JSON per figure.

usage: python3 -m gpu_check.peer KIND MODEL_FOLDER FILE [FILE] --batches 32,128 --rounds 3 --device cuda --precision f16
       [--layer N] [--out FILE]

KIND is `sentence-transformers` (texts in, vectors out), `transformers` (tokens in, vectors out: tokenized before, sorted by length,
padded to the longest of each batch), or `bert_score` (two files of texts, line by line; f32 is its default precision).
--out writes the vectors or the F1 of the last round as .npy.
"""
from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any, Callable, Optional

warnings.filterwarnings("ignore")

import numpy
import torch

TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}
# The longest text, as in all-MiniLM-L6-v2's sentence-transformers folder.
LONGEST = 256
Encode = Callable[[int], numpy.ndarray]
# Functions that encode and warm up with a batch size, and the amount of work.
Peer = tuple[Encode, Callable[[int], Any], dict[str, Any]]


def main() -> None:
    options = arguments()
    torch.manual_seed(1)
    texts = [path.read_text("utf-8").splitlines() for path in options.files]
    encode, warm_up, counts = KINDS[options.kind](options, *texts)
    result: Optional[numpy.ndarray] = None
    for batch in options.batches:
        try:
            warm_up(batch)
            seconds = []
            for _ in range(options.rounds):
                synchronize(options.device)
                begin = time.perf_counter()
                result = encode(batch)
                synchronize(options.device)
                seconds.append(time.perf_counter() - begin)
        except torch.cuda.OutOfMemoryError as error:
            print(json.dumps({"batch": batch, "precision": options.precision, "error": str(error)}), flush=True)
            continue
        print(json.dumps({"batch": batch, "seconds": seconds, "precision": options.precision, **counts}), flush=True)
    if options.out and result is not None:
        numpy.save(options.out, result)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("gpu_check.peer")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("model", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--batches", type=lambda text: [int(batch) for batch in text.split(",")], default=[128])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--precision", choices=TYPES, default="f16")
    parser.add_argument("--layer", type=int)
    parser.add_argument("--out", type=Path)
    return parser.parse_args()


def synchronize(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def sentence_transformers(options: argparse.Namespace, texts: list[str]) -> Peer:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(options.model), device=options.device).to(TYPES[options.precision])

    def encode(batch: int, some: list[str] = texts) -> numpy.ndarray:
        return model.encode(some, batch_size=batch, show_progress_bar=False, convert_to_numpy=True)

    return encode, lambda batch: encode(batch, texts[: 4 * batch]), {"texts": len(texts)}


def transformers(options: argparse.Namespace, texts: list[str]) -> Peer:
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(options.model))
    model = AutoModel.from_pretrained(str(options.model)).to(options.device, TYPES[options.precision]).eval()
    ids = [torch.tensor(row) for row in tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]]
    order = sorted(range(len(ids)), key=lambda row: -len(ids[row]))

    def padded(rows: list[int]) -> dict[str, torch.Tensor]:
        sequences = [ids[row] for row in rows]
        batch = torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True, padding_value=tokenizer.pad_token_id)
        lengths = torch.tensor([len(sequence) for sequence in sequences])
        mask = (torch.arange(batch.shape[1]) < lengths[:, None]).long()
        return {"input_ids": batch.to(options.device), "attention_mask": mask.to(options.device)}

    @torch.inference_mode()
    def encode(batch: int, some: list[int] = order) -> numpy.ndarray:
        vectors = [pooled(model, padded(some[start : start + batch])) for start in range(0, len(some), batch)]
        result = torch.cat(vectors).float().cpu().numpy()
        in_order = numpy.empty_like(result)
        in_order[numpy.argsort(numpy.argsort(some))] = result
        return in_order

    counts = {"texts": len(texts), "tokens": sum(map(len, ids)), "attention": model.config._attn_implementation}
    return encode, lambda batch: encode(batch, order[: 2 * batch]), counts


def pooled(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """The normalized mean over real tokens."""
    hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    return torch.nn.functional.normalize((hidden * mask).sum(1).float() / mask.sum(1).float(), dim=1)


def bert_score(options: argparse.Namespace, candidates: list[str], references: list[str]) -> Peer:
    from bert_score import BERTScorer

    scorer = BERTScorer(model_type=str(options.model), num_layers=options.layer, device=options.device)
    # transformers 5 loads weights in the type that they were saved in.
    scorer._model.to(TYPES[options.precision])

    def encode(batch: int, count: int = len(candidates)) -> numpy.ndarray:
        return scorer.score(candidates[:count], references[:count], batch_size=batch)[2].float().numpy()

    return encode, lambda batch: encode(batch, 2 * batch), {"pairs": len(candidates)}


KINDS = {"sentence-transformers": sentence_transformers, "transformers": transformers, "bert_score": bert_score}

if __name__ == "__main__":
    main()
