"""How much each step does: everything, about a third (--quick), or almost nothing (--tiny, for the CUDA emulator)."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional


@dataclass(frozen=True)
class Bench:
    """One call of `nearsay bench`."""

    shape: str
    layer: Optional[int] = None
    precisions: str = "f16"
    batch_tokens: Optional[int] = None
    lengths: str = "128"

    def name(self) -> str:
        layer = f" to layer {self.layer}" if self.layer else ""
        batch = f", {self.batch_tokens} tokens at once" if self.batch_tokens else ""
        return f"{self.shape}{layer}, {self.precisions}{batch}"


@dataclass(frozen=True)
class ModelShape:
    """A BERT with random weights for the comparisons with peers."""

    name: str
    layers: int
    hidden_dim: int
    heads: int
    score_layer: int


MINILM = "minilm-l6"
MINILM_SCORE_LAYER = 5
BERT_BASE = ModelShape("bert-base", 12, 768, 12, score_layer=9)
BERT_LARGE = ModelShape("bert-large", 24, 1024, 16, score_layer=18)
BERT_TINY = ModelShape("bert-tiny", 2, 128, 2, score_layer=1)
EMBEDDING_PEERS = ("sentence-transformers", "transformers")


@dataclass(frozen=True)
class Sizes:
    # Parity and invariance.
    parity_texts: int = 3000
    parity_pairs: int = 1000
    parity_batch_tokens: tuple[int, ...] = (512, 8192, 32768)
    # These models are slower on the CPU, so they get fewer texts and only this precision.
    parity_models: tuple[ModelShape, ...] = (BERT_BASE,)
    parity_model_texts: int = 500
    parity_model_precision: str = "f16"
    # Speed of the encoder alone.
    headline: tuple[Bench, ...] = ()
    sweep: tuple[Bench, ...] = ()
    seconds_per_figure: float = 2.0
    # Comparisons with peers: a model (None: the packed one), with the peers for embedding, or bert_score's precisions
    # for scoring.
    embeddings: tuple[tuple[Optional[ModelShape], tuple[str, ...]], ...] = ((None, EMBEDDING_PEERS), (BERT_BASE, EMBEDDING_PEERS))
    scorings: tuple[tuple[Optional[ModelShape], tuple[str, ...]], ...] = ((BERT_LARGE, ("f32", "f16")), (None, ("f32", "f16")))
    peer_texts: int = 20000
    peer_pairs: int = 6000
    embed_batches: tuple[int, ...] = (32, 128, 512)
    score_batches: tuple[int, ...] = (64, 256)
    rounds: int = 3
    peer_device: str = "cuda"
    peer_precision: str = "f16"
    # Single kernels: arguments of `gpu-kernels`.
    kernels: tuple[str, ...] = ("--precision", "f16,bf16,f32", "minilm-l6", "bert-base", "roberta-large")
    # Names of the tests to run, if not all: (kernels, whole engine).
    test_filters: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    def random_models(self) -> tuple[ModelShape, ...]:
        """All shapes that are compared, without duplicates."""
        compared = [shape for shape, _ in (*self.embeddings, *self.scorings) if shape]
        return tuple(dict.fromkeys((*self.parity_models, *compared)))


HEADLINE = (Bench("bert-base"), Bench("roberta-large", layer=17), Bench("minilm-l6"))


def _sweep(batches: tuple[int, ...], shapes: tuple[Bench, ...]) -> tuple[Bench, ...]:
    return tuple(replace(shape, batch_tokens=tokens) for shape in shapes for tokens in batches)


FULL = Sizes(
    headline=HEADLINE,
    sweep=_sweep((4096, 8192, 32768), HEADLINE)
    + tuple(replace(shape, precisions="f32,bf16") for shape in HEADLINE)
    + tuple(replace(shape, lengths="16,32,64,256,512") for shape in (HEADLINE[0], HEADLINE[2])),
)
QUICK = Sizes(
    parity_texts=1000,
    parity_pairs=300,
    headline=HEADLINE,
    sweep=_sweep((8192, 32768), (HEADLINE[0], HEADLINE[2])) + (replace(HEADLINE[0], precisions="f32,bf16"),),
    seconds_per_figure=0.5,
    parity_model_texts=200,
    embeddings=((None, EMBEDDING_PEERS), (BERT_BASE, EMBEDDING_PEERS[:1])),
    scorings=((BERT_LARGE, ("f32", "f16")), (None, ("f32",))),
    peer_texts=10000,
    peer_pairs=2000,
    embed_batches=(128, 512),
    rounds=2,
    kernels=("minilm-l6", "bert-base", "roberta-large"),
)
TINY = Sizes(
    parity_texts=8,
    parity_pairs=4,
    parity_batch_tokens=(8, 40, 8192),
    headline=(Bench("minilm-l6", layer=1, batch_tokens=16, lengths="16"),),
    sweep=(Bench("minilm-l6", layer=1, precisions="f32,bf16", batch_tokens=8, lengths="8"),),
    seconds_per_figure=0.0,
    parity_models=(BERT_TINY,),
    parity_model_texts=4,
    embeddings=((BERT_TINY, EMBEDDING_PEERS),),
    scorings=((BERT_TINY, ("f32",)),),
    peer_texts=16,
    peer_pairs=6,
    embed_batches=(4, 8),
    score_batches=(4,),
    rounds=1,
    peer_device="cpu",
    peer_precision="f32",
    kernels=("--tokens", "128", "--launches", "1", "--rotated", "1", "minilm-l6"),
    test_filters=(("add_norm",), ("precisions_of_other_devices",)),
)
