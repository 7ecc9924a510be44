"""Step `peers`: nearsay and its peers on the same GPU, weights and texts, one after the other in one run.

Tokens are real ones, special tokens included, padding not. A peer's model is loaded and warm; its time is its call alone. nearsay's
time is the process's less what it says that loading took, so the first use of each kernel counts against nearsay. nearsay runs before
and after the peers. Of several batch sizes the best counts, on either side.
"""
from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, Optional

import numpy

from .parity import cosines
from .programs import Failure
from .sizes import MINILM, MINILM_SCORE_LAYER, ModelShape
from .step import Context, say
from .texts import Writer, write_lines

SEED = 7
# nearsay's batches, in tokens. None: its default.
BATCH_TOKENS = (None, 32768)
# So many times the peers' texts for one more figure of nearsay's, in which the start weighs less.
LONG = 5
SMALLEST_COSINE = 0.999
GOALS = {"sentence-transformers": 3.0, "bert_score": 10.0}

Row = dict[str, Any]


class Comparison:
    def __init__(self, context: Context) -> None:
        self.context = context
        self.sizes = context.sizes
        self.folder = context.package.work / "peers"
        self.folder.mkdir(exist_ok=True)
        self.python = context.package.python
        writer = Writer(context.package.minilm / "vocab.txt", SEED)
        self.texts = write_lines(self.folder / "texts.txt", writer.texts(self.sizes.peer_texts))
        self.long = write_lines(self.folder / "long.txt", writer.texts(LONG * self.sizes.peer_texts))
        candidates, references = writer.pairs(self.sizes.peer_pairs)
        self.pairs = (write_lines(self.folder / "candidates.txt", candidates), write_lines(self.folder / "references.txt", references))
        self.first_pair = tuple(write_lines(self.folder / f"first-{path.name}", lines[:1]) for path, lines in zip(self.pairs, (candidates, references)))

    def make_models(self) -> None:
        shapes = dict.fromkeys(shape for shape in (*self.sizes.embed_models, *self.sizes.score_models) if shape)
        command = [self.python, "-m", "gpu_check.random_models", self.context.package.minilm, self.folder / "models"]
        self.context.programs.output([*command, *(json.dumps(asdict(shape)) for shape in shapes)])

    def model(self, shape: Optional[ModelShape]) -> Path:
        return self.folder / "models" / shape.name if shape else self.context.package.minilm

    def where(self) -> tuple[object, ...]:
        return ("--device", "cuda", "--precision", self.sizes.peer_precision)

    def add(self, model: str, who: str, work: str, row: Row) -> Row:
        row = {"model": model, "who": who, "work": work, **row}
        self.context.record.add("runs", row)
        if "rate" in row:
            say(f"{model} {who} {row.get('batch') or ''} {row['precision']} {work}: {row['rate']:,.0f} {row['unit']}")
        return row

    # Embedding.

    def nearsay_embeds(self, shape: Optional[ModelShape], texts: Path, batch_tokens: Optional[int]) -> Row:
        output = self.folder / "nearsay.npy"
        command = ["embed", texts, "-m", self.model(shape), "-o", output, "--overwrite", "--json", "-q", *self.where()]
        if batch_tokens:
            command += ["--batch-tokens", batch_tokens]
        summary = self.context.programs.json(self.context.nearsay(*command))
        seconds = summary["seconds_total"] - summary["seconds_load"]
        kept = {key: summary[key] for key in summary if key.startswith(("seconds", "tokens", "texts", "threads"))}
        encoder = {"encoder_rate": summary["tokens_per_second"]}
        rate = summary["tokens"] / seconds
        return {"batch": batch_tokens, "precision": self.sizes.peer_precision, "rate": rate, "unit": "tokens/s", **encoder, "summary": kept}

    def peer_lines(self, kind: str, model: Path, files: tuple[Path, ...], *more: object) -> list[Row]:
        """What a peer printed, also if it did not come to its end."""
        command = [self.python, "-m", "gpu_check.peer", kind, model, *files, "--rounds", self.sizes.rounds, "--device", self.sizes.peer_device]
        try:
            return read_lines(self.context.programs.output([*command, *more]))
        except Failure as failure:
            self.context.check(f"{kind} on {model.name}", False, str(failure))
            return read_lines(failure.output)

    def embedding(self, shape: Optional[ModelShape]) -> None:
        name = shape.name if shape else MINILM
        ours = [self.add(name, "nearsay", "texts to vectors", self.nearsay_embeds(shape, self.texts, tokens)) for tokens in BATCH_TOKENS]
        tokens = ours[0]["summary"]["tokens"]
        batches = ("--batches", ",".join(map(str, self.sizes.embed_batches)), "--precision", self.sizes.peer_precision)
        theirs = []
        for kind, work in (("sentence-transformers", "texts to vectors"), ("transformers", "tokens to vectors")):
            output = self.folder / f"{kind}.npy"
            for row in self.peer_lines(kind, self.model(shape), (self.texts,), *batches, "--out", output):
                if "seconds" in row:
                    row |= {"rate": tokens / median(row["seconds"]), "unit": "tokens/s"}
                theirs.append(self.add(name, kind, work, row))
        for _ in range(self.sizes.rounds - 1):
            ours += [self.add(name, "nearsay", "texts to vectors", self.nearsay_embeds(shape, self.texts, tokens)) for tokens in BATCH_TOKENS]
        self.agreement(name)
        long = self.add(name, "nearsay", f"texts to vectors, {LONG} times as many", self.nearsay_embeds(shape, self.long, BATCH_TOKENS[-1]))
        self.ratio(name, "sentence-transformers", best(ours), best(of(theirs, "sentence-transformers")), long=long["rate"])
        self.ratio(name, "transformers", best(ours, "encoder_rate"), best(of(theirs, "transformers")))

    def agreement(self, model: str) -> None:
        """That both made the same vectors."""
        ours, theirs = (self.folder / f"{name}.npy" for name in ("nearsay", "sentence-transformers"))
        if theirs.exists():
            smallest = float(cosines(numpy.load(ours), numpy.load(theirs)).min())
            self.context.check(f"{model}: vectors are sentence-transformers'", smallest >= SMALLEST_COSINE, f"smallest cosine {smallest:.6f}")
            theirs.unlink()

    # Scoring.

    def nearsay_scores(self, model: Path, layer: int, pairs: tuple[Path, ...]) -> tuple[float, list[float]]:
        """Seconds of the whole process, and the F1 of each pair."""
        candidates, references = pairs
        begin = time.perf_counter()
        command = ["score", "-c", candidates, "-r", references, "-m", model, "-l", layer, *self.where(), "--json", "-q"]
        segments = self.context.programs.json(self.context.nearsay(*command))["metrics"]["bertscore"]["segments"]
        return time.perf_counter() - begin, [segment["f1"] for segment in segments]

    def nearsay_score_row(self, model: Path, layer: int) -> tuple[Row, list[float]]:
        """`score` does not say what loading took: a run of one pair stands for it."""
        load, _ = self.nearsay_scores(model, layer, self.first_pair)
        whole, scores = self.nearsay_scores(model, layer, self.pairs)
        seconds = {"seconds_process": whole, "seconds_of_one_pair": load}
        return {"precision": self.sizes.peer_precision, "rate": len(scores) / max(whole - load, 1e-3), "unit": "pairs/s", **seconds}, scores

    def scoring(self, shape: Optional[ModelShape]) -> None:
        name, layer = (shape.name, shape.score_layer) if shape else (MINILM, MINILM_SCORE_LAYER)
        ours, theirs, scores = [], [], []
        for _ in range(self.sizes.rounds):
            row, scores = self.nearsay_score_row(self.model(shape), layer)
            ours.append(self.add(name, "nearsay", "pairs to scores", row))
        batches = ("--batches", ",".join(map(str, self.sizes.score_batches)), "--layer", layer)
        for precision in dict.fromkeys(("f32", self.sizes.peer_precision)):
            output = self.folder / f"bert_score-{precision}.npy"
            for row in self.peer_lines("bert_score", self.model(shape), self.pairs, *batches, "--precision", precision, "--out", output):
                if "seconds" in row:
                    row |= {"rate": self.sizes.peer_pairs / median(row["seconds"]), "unit": "pairs/s"}
                theirs.append(self.add(name, "bert_score", "pairs to scores", row))
            if output.exists():
                differences = numpy.abs(numpy.load(output) - numpy.array(scores, numpy.float32))
                self.context.record.add("f1_differences", {"model": name, "precision": precision, "largest": float(differences.max()), "mean": float(differences.mean())})
                output.unlink()
        as_it_comes = [row for row in theirs if row["precision"] == "f32"]
        self.ratio(name, "bert_score", middle(ours), best(as_it_comes))
        self.ratio(name, "bert_score in half precision", middle(ours), best([row for row in theirs if row["precision"] != "f32"]))

    def ratio(self, model: str, peer: str, ours: Optional[float], theirs: Optional[float], **more: float) -> None:
        if not (ours and theirs):
            return
        goal = GOALS.get(peer)
        row = {"model": model, "peer": peer, "nearsay": ours, "theirs": theirs, "ratio": ours / theirs, "goal": goal, **more}
        self.context.record.add("ratios", row)
        say(f"{model}: {ours / theirs:.2f} times as fast as {peer}" + (f" (goal {goal:.0f})" if goal else ""))


def read_lines(text: str) -> list[Row]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def of(rows: list[Row], who: str) -> list[Row]:
    return [row for row in rows if row["who"] == who]


def best(rows: list[Row], rate: str = "rate") -> Optional[float]:
    """The median of the rounds with the batch size that is fastest."""
    batches: dict[Any, list[float]] = {}
    for row in rows:
        if rate in row:
            batches.setdefault(row.get("batch"), []).append(row[rate])
    return max((median(rates) for rates in batches.values()), default=None)


def middle(rows: list[Row]) -> Optional[float]:
    return median(row["rate"] for row in rows) if rows else None


def run(context: Context) -> None:
    comparison = Comparison(context)
    comparison.make_models()
    sizes = context.sizes
    for measure, shapes in ((comparison.embedding, sizes.embed_models), (comparison.scoring, sizes.score_models)):
        for shape in shapes:
            try:
                measure(shape)
            except Failure as failure:
                context.check(f"{measure.__name__} by {shape.name if shape else MINILM}", False, str(failure))
