"""What `evaluate.load(nearsay.evaluate.path("sacrebleu"))` loads."""

from nearsay.evaluate._modules import Sacrebleu as _Metric  # noqa: F401
