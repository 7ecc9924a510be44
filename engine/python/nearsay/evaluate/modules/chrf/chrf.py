"""What `evaluate.load(nearsay.evaluate.path("chrf"))` loads."""

from nearsay.evaluate._modules import CHRF as _Metric  # noqa: F401
