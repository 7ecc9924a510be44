"""`SentenceTransformer`, with the signatures of the package sentence-transformers (5 and 6)."""

from .model import SentenceTransformer

__all__ = ["SentenceTransformer"]
