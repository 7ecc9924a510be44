"""How many threads a model gets.

The first that says something: the argument, NEARSAY_THREADS, the engine that gave this worker its CPUs (Ray, Spark), and
OMP_NUM_THREADS. Otherwise one per core that the process may use, by its affinity and its cgroup.
"""

from __future__ import annotations

import os
import sys

from ._check import whole
from .errors import InputError


def threads(argument: int | None) -> int | None:
    """The number of threads, or None for one per core."""
    if argument is not None:
        return whole("threads", argument, 1)
    named = os.environ.get("NEARSAY_THREADS")
    if named:
        if not named.isdecimal() or int(named) < 1:
            raise InputError(f"NEARSAY_THREADS must be a number of threads, 1 or more, got {named!r}")
        return int(named)
    engine = _of_ray() or _of_spark()
    if engine:
        return engine
    # A list has a number for each level of nesting.
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) > 0 else None


def _of_ray() -> int | None:
    ray = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return None
    # A driver has no CPUs of its own.
    if ray.get_runtime_context().worker.mode != ray.WORKER_MODE:
        return None
    cpus = ray.get_runtime_context().get_assigned_resources().get("CPU", 0)
    return max(1, int(cpus))


def _of_spark() -> int | None:
    pyspark = sys.modules.get("pyspark")
    context = pyspark.TaskContext.get() if pyspark is not None else None
    return None if context is None else max(1, context.cpus())
