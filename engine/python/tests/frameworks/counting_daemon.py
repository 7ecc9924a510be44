"""Spark's daemon of Python workers, whose workers count the models that they open."""

from __future__ import annotations

import runpy

import counting

if __name__ == "__main__":
    counting.install()
    runpy.run_module("pyspark.daemon", run_name="__main__")
