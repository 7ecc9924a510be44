"""Step `peers`: nearsay and its peers on the same GPU, weights and texts, one after the other in one run.

Tokens are real ones, special tokens included, padding not. A peer's model is loaded and warm; its time covers only its
call. nearsay's time is that of the process minus the loading time that it reports, so the first use of each kernel
counts against nearsay. nearsay runs before and after the peers. On either side, the best of several batch sizes counts.
"""
from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import Any, Optional

import numpy

from .models import folder_of, name_of
from .parity import cosines
from .programs import Failure, OutOfTime
from .sizes import MINILM_SCORE_LAYER, ModelShape
from .step import Context, say
from .texts import Writer, write_lines

SEED = 7
# nearsay's batches, in tokens. None: its default.
BATCH_TOKENS = (None, 32768)
# A multiple of the peers' texts, so that startup weighs less: for an extra figure of nearsay's embedding, and for its
# scoring.
LONG = 5
SMALLEST_COSINE = 0.999
GOALS = {"sentence-transformers": 3.0, "bert_score": 10.0}
WORK = {"sentence-transformers": "texts to vectors", "transformers": "tokens to vectors"}

Row = dict[str, Any]


class Comparison:
    """Compares one model. `None` is the packed one."""

    def __init__(self, context: Context, shape: Optional[ModelShape]) -> None:
        self.context = context
        self.sizes = context.sizes
        self.folder = context.package.work / "peers"
        self.name = name_of(shape)
        self.model = folder_of(context, shape)
        self.score_layer = shape.score_layer if shape else MINILM_SCORE_LAYER

    def file(self, name: str) -> Path:
        return self.folder / name

    def where(self) -> tuple[object, ...]:
        return ("-m", self.model, "--device", "cuda", "--precision", self.sizes.peer_precision, "--json", "-q")

    def add(self, who: str, work: str, unit: str, row: Row) -> Row:
        row = {"model": self.name, "who": who, "work": work, "unit": unit, **row}
        self.context.record.add("runs", row)
        if "rate" in row:
            say(f"{self.name} {who} {row.get('batch') or ''} {row['precision']} {work}: {row['rate']:,.0f} {unit}")
        return row

    def peer(self, kind: str, files: tuple[str, ...], batches: tuple[int, ...], *more: object) -> list[Row]:
        """A peer's output, even if it did not finish."""
        sizes = self.sizes
        command = [self.context.package.python, "-m", "gpu_check.peer", kind, self.model, *map(self.file, files)]
        command += ["--batches", ",".join(map(str, batches)), "--rounds", sizes.rounds, "--device", sizes.peer_device, *more]
        try:
            return read_lines(self.context.programs.output(command))
        except OutOfTime as failure:
            return read_lines(failure.output)
        except Failure as failure:
            self.context.check(f"{kind} on {self.name}", False, str(failure))
            return read_lines(failure.output)

    def ratio(self, peer: str, ours: Optional[float], theirs: Optional[float], **more: float) -> None:
        if not (ours and theirs):
            return
        ratio, goal = ours / theirs, GOALS.get(peer)
        self.context.record.add(
            "ratios",
            {"model": self.name, "peer": peer, "nearsay": ours, "theirs": theirs, "ratio": ratio, "goal": goal, **more},
        )
        say(f"{self.name}: {ratio:.2f} times as fast as {peer}" + (f" (goal {goal:.0f})" if goal else ""))

    # Embedding.

    def embedding(self, peers: tuple[str, ...]) -> None:
        ours = [self.nearsay_embeds("texts.txt", tokens) for tokens in BATCH_TOKENS]
        theirs = {kind: self.peer_embeds(kind, ours[0]["tokens"]) for kind in peers}
        for _ in range(self.sizes.rounds - 1):
            ours += [self.nearsay_embeds("texts.txt", tokens) for tokens in BATCH_TOKENS]
        self.agreement()
        long = self.nearsay_embeds("long.txt", BATCH_TOKENS[-1])
        for kind, rows in theirs.items():
            if WORK[kind] == "texts to vectors":
                self.ratio(kind, best(ours), best(rows), long=long["rate"])
            else:
                self.ratio(kind, best(ours, "encoder_rate"), best(rows))

    def nearsay_embeds(self, texts: str, batch_tokens: Optional[int]) -> Row:
        batch = ("--batch-tokens", batch_tokens) if batch_tokens else ()
        command = ["embed", self.file(texts), "-o", self.file("nearsay.npy"), "--overwrite", *self.where(), *batch]
        summary = self.context.programs.json(self.context.nearsay(*command))
        row: Row = {key: summary[key] for key in ("texts", "tokens", "threads")}
        row |= {key: summary[key] for key in summary if key.startswith("seconds")}
        row |= {"batch": batch_tokens, "precision": self.sizes.peer_precision, "encoder_rate": summary["tokens_per_second"]}
        row["rate"] = summary["tokens"] / (summary["seconds_total"] - summary["seconds_load"])
        return self.add("nearsay", f"{texts} to vectors", "tokens/s", row)

    def peer_embeds(self, kind: str, tokens: int) -> list[Row]:
        more = ("--precision", self.sizes.peer_precision, "--out", self.file(f"{kind}.npy"))
        rows = self.peer(kind, ("texts.txt",), self.sizes.embed_batches, *more)
        return [self.add(kind, WORK[kind], "tokens/s", with_rate(row, tokens)) for row in rows]

    def agreement(self) -> None:
        """Checks that both computed the same vectors."""
        ours, theirs = self.file("nearsay.npy"), self.file("sentence-transformers.npy")
        if theirs.exists():
            smallest = float(cosines(numpy.load(ours), numpy.load(theirs)).min())
            name = f"{self.name}: vectors are sentence-transformers'"
            self.context.check(name, smallest >= SMALLEST_COSINE, f"smallest cosine {smallest:.6f}")
            theirs.unlink()

    # Scoring.

    def scoring(self, precisions: tuple[str, ...]) -> None:
        ours = [self.nearsay_scores() for _ in range(self.sizes.rounds)]
        if not self.context.package.has_bert_score:
            say("bert_score was not packed, and is left out")
            return
        for precision in precisions:
            # Its default precision is f32.
            peer = "bert_score" if precision == "f32" else f"bert_score in {precision}"
            self.ratio(peer, rate_of_scoring(ours), best(self.peer_scores(precision)))

    def nearsay_scores(self) -> Row:
        """`score` does not report its loading time, so it is estimated by a run with one pair. That takes seconds and
        varies, so nearsay gets more pairs than the peers; theirs come first."""
        load, _ = self.score("first-")
        whole, scores = self.score("long-")
        numpy.save(self.file("nearsay-scores.npy"), numpy.array(scores[: self.sizes.peer_pairs], numpy.float32))
        row = {"precision": self.sizes.peer_precision, "seconds_process": whole, "seconds_of_one_pair": load, "pairs": len(scores)}
        return self.add("nearsay", "pairs to scores", "pairs/s", {**row, "rate": len(scores) / max(whole - load, 1e-3)})

    def score(self, prefix: str) -> tuple[float, list[float]]:
        """Seconds of the whole process, and the F1 of each pair."""
        candidates, references = (self.file(f"{prefix}{side}.txt") for side in ("candidates", "references"))
        command = self.context.nearsay("score", "-c", candidates, "-r", references, "-l", self.score_layer, *self.where())
        _, output, seconds = self.context.programs.run_well(command)
        return seconds, [segment["f1"] for segment in json.loads(output)["metrics"]["bertscore"]["segments"]]

    def peer_scores(self, precision: str) -> list[Row]:
        output = self.file(f"bert_score-{precision}.npy")
        more = ("--layer", self.score_layer, "--precision", precision, "--out", output)
        rows = self.peer("bert_score", ("candidates.txt", "references.txt"), self.sizes.score_batches, *more)
        if output.exists():
            differences = numpy.abs(numpy.load(output) - numpy.load(self.file("nearsay-scores.npy")))
            found = {"largest": float(differences.max()), "mean": float(differences.mean())}
            self.context.record.add("f1_differences", {"model": self.name, "precision": precision, **found})
            output.unlink()
        return [self.add("bert_score", "pairs to scores", "pairs/s", with_rate(row, self.sizes.peer_pairs)) for row in rows]


def rate_of_scoring(rows: list[Row]) -> float:
    """All rounds together. Each is the difference of two processes' times, which varies more than the quantity
    measured, so a mean of rates would follow the shortest."""
    seconds = sum(row["seconds_process"] - row["seconds_of_one_pair"] for row in rows)
    return sum(row["pairs"] for row in rows) / max(seconds, 1e-3)


def read_lines(text: str) -> list[Row]:
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def with_rate(row: Row, amount: int) -> Row:
    """`amount` per second in the median round; no rate if the peer ran out of memory."""
    return {**row, "rate": amount / median(row["seconds"])} if "seconds" in row else row


def best(rows: list[Row], rate: str = "rate") -> Optional[float]:
    """The median rate over the rounds with the fastest batch size."""
    batches: dict[Any, list[float]] = {}
    for row in rows:
        if rate in row:
            batches.setdefault(row.get("batch"), []).append(row[rate])
    return max((median(rates) for rates in batches.values()), default=None)


def write_texts(context: Context, folder: Path) -> None:
    writer, sizes = Writer(context.package.minilm / "vocab.txt", SEED), context.sizes
    write_lines(folder / "texts.txt", writer.texts(sizes.peer_texts))
    write_lines(folder / "long.txt", writer.texts(LONG * sizes.peer_texts))
    for name, texts in zip(("candidates.txt", "references.txt"), writer.pairs(LONG * sizes.peer_pairs)):
        write_lines(folder / name, texts[: sizes.peer_pairs])
        write_lines(folder / f"first-{name}", texts[:1])
        write_lines(folder / f"long-{name}", texts)


def run(context: Context) -> None:
    folder = context.package.work / "peers"
    folder.mkdir(exist_ok=True)
    write_texts(context, folder)
    sizes = context.sizes
    for measure, comparisons in ((Comparison.embedding, sizes.embeddings), (Comparison.scoring, sizes.scorings)):
        for shape, beside in comparisons:
            comparison = Comparison(context, shape)
            try:
                measure(comparison, beside)
            except OutOfTime:
                raise
            except Failure as failure:
                context.check(f"{measure.__name__} by {comparison.name}", False, str(failure))
