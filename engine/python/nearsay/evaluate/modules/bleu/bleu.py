"""What `evaluate.load(nearsay.evaluate.path("bleu"))` loads."""

from nearsay.evaluate._modules import BLEU as _Metric  # noqa: F401
