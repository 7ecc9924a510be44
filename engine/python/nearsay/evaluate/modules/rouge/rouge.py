"""What `evaluate.load(nearsay.evaluate.path("rouge"))` loads."""

from nearsay.evaluate._modules import ROUGE as _Metric  # noqa: F401
