"""Step `parity`: the program on the GPU compared with the CPU, and the same bits in any batch and order."""
from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Optional

import numpy

from .models import folder_of, name_of
from .sizes import MINILM_SCORE_LAYER, ModelShape
from .step import Context
from .texts import Writer, write_lines

PRECISIONS = ("f32", "f16", "bf16")
# bf16 is only reported; its bound catches gross errors.
SMALLEST_COSINE = {"f32": 0.99999, "f16": 0.9995, "bf16": 0.99}
LARGEST_DIFFERENCE = {"f32": 2e-5, "f16": 3e-3, "bf16": 3e-2}
SEED = 20240607
DEFAULT_BATCH_TOKENS = 16384


class Parity:
    """Parity of one model. `None` is the packed one."""

    def __init__(self, context: Context, shape: Optional[ModelShape]) -> None:
        self.context = context
        self.name, self.model = name_of(shape), folder_of(context, shape)
        self.folder = context.package.work / "parity" / self.name
        self.folder.mkdir(parents=True, exist_ok=True)

    def check(self, name: str, holds: bool, detail: str = "") -> None:
        self.context.check(f"{self.name}: {name}", holds, detail)

    def embed(self, texts: Path, name: str, *arguments: object) -> Path:
        output = self.folder / f"{name}.npy"
        common = ("-m", self.model, "-o", output, "--overwrite", "-q", *arguments)
        self.context.programs.output(self.context.nearsay("embed", texts, *common))
        return output

    def embed_on_gpu(self, texts: Path, name: str, precision: str, batch_tokens: int) -> Path:
        return self.embed(texts, name, "--device", "cuda", "--precision", precision, "--batch-tokens", batch_tokens)

    def vectors(self, texts: list[str], precisions: tuple[str, ...]) -> None:
        """Cosines to the CPU's vectors, then bits."""
        written = write_lines(self.folder / "texts.txt", texts)
        expected = numpy.load(self.embed(written, "cpu", "--device", "cpu", "--precision", "f32"))
        order = list(range(len(texts)))
        random.Random(SEED).shuffle(order)
        shuffled = write_lines(self.folder / "shuffled.txt", [texts[row] for row in order])
        for precision in precisions:
            reference = self.embed_on_gpu(written, f"cuda-{precision}", precision, DEFAULT_BATCH_TOKENS)
            self.compare(precision, numpy.load(reference), expected)
            self.invariance(precision, reference, (written, shuffled, order))

    def compare(self, precision: str, got: numpy.ndarray, expected: numpy.ndarray) -> None:
        similar = cosines(got, expected)
        smallest, mean = float(similar.min()), float(similar.mean())
        self.context.record.add("cosines", {"model": self.name, "precision": precision, "texts": len(got), "smallest": smallest, "mean": mean})
        bound = SMALLEST_COSINE[precision]
        detail = f"smallest cosine {smallest:.7f}, bound {bound}"
        self.check(f"vectors in {precision} are the CPU's", smallest >= bound, detail)

    def invariance(self, precision: str, reference: Path, inputs: tuple[Path, Path, list[int]]) -> None:
        texts, shuffled, order = inputs
        for batch_tokens in self.context.sizes.parity_batch_tokens:
            again = self.embed_on_gpu(texts, f"cuda-{precision}-{batch_tokens}", precision, batch_tokens)
            same, name = again.read_bytes() == reference.read_bytes(), f"the same bits in {precision} with {batch_tokens} tokens at once"
            self.check(name, same, differing(again, reference))
        backwards = numpy.load(self.embed_on_gpu(shuffled, f"cuda-{precision}-shuffled", precision, DEFAULT_BATCH_TOKENS))
        in_order = numpy.load(reference)[order]
        self.check(f"the same bits in {precision} in another order", backwards.tobytes() == in_order.tobytes())

    def score(self, device: str, precision: str, files: tuple[Path, Path], *more: object) -> list[dict[str, float]]:
        candidates, references = files
        model = ("-m", self.model, "-l", MINILM_SCORE_LAYER)
        where = ("--device", device, "--precision", precision, *more)
        command = self.context.nearsay("score", "-c", candidates, "-r", references, *model, *where, "--json", "-q")
        return self.context.programs.json(command)["metrics"]["bertscore"]["segments"]

    def scores(self, pairs: tuple[list[str], list[str]]) -> None:
        candidates = write_lines(self.folder / "candidates.txt", pairs[0])
        references = write_lines(self.folder / "references.txt", pairs[1])
        files = (candidates, references)
        expected = self.score("cpu", "f32", files)
        for precision in PRECISIONS:
            got = self.score("cuda", precision, files)
            bound = LARGEST_DIFFERENCE[precision]
            difference = max(abs(a[key] - b[key]) for a, b in zip(got, expected) for key in ("precision", "recall", "f1"))
            self.context.record.add("scores", {"precision": precision, "pairs": len(got), "largest_difference": difference})
            detail = f"largest difference {difference:.1e}, bound {bound:.0e}"
            self.check(f"scores in {precision} are the CPU's", len(got) == len(expected) and difference <= bound, detail)
            others = self.context.sizes.parity_batch_tokens[0]
            again = self.score("cuda", precision, files, "--batch-tokens", others)
            same = json.dumps(again) == json.dumps(got)
            self.check(f"the same scores in {precision} with {others} tokens at once", same)


def cosines(left: numpy.ndarray, right: numpy.ndarray) -> numpy.ndarray:
    left, right = left.astype(numpy.float64), right.astype(numpy.float64)
    norms = numpy.linalg.norm(left, axis=1) * numpy.linalg.norm(right, axis=1)
    return (left * right).sum(axis=1) / norms


def differing(left: Path, right: Path) -> str:
    """The rows whose bits differ."""
    rows = numpy.flatnonzero((numpy.load(left).view(numpy.uint32) != numpy.load(right).view(numpy.uint32)).any(axis=1))
    return f"{len(rows)} rows differ, the first is {rows[0] + 1}" if len(rows) else ""


def run(context: Context) -> None:
    writer = Writer(context.package.minilm / "vocab.txt", SEED)
    sizes = context.sizes
    parity = Parity(context, None)
    parity.vectors(writer.texts(sizes.parity_texts), PRECISIONS)
    parity.scores(writer.pairs(sizes.parity_pairs))
    for shape in sizes.parity_models:
        Parity(context, shape).vectors(writer.texts(sizes.parity_model_texts), (sizes.parity_model_precision,))
