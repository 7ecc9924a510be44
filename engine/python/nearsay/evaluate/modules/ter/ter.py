"""What `evaluate.load(nearsay.evaluate.path("ter"))` loads."""

from nearsay.evaluate._modules import TER as _Metric  # noqa: F401
