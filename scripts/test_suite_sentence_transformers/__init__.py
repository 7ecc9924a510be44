"""The tests of sentence-transformers on `nearsay.SentenceTransformer`."""
