"""What `evaluate.load(nearsay.evaluate.path("bertscore"))` loads."""

from nearsay.evaluate._modules import BERTScore as _Metric  # noqa: F401
