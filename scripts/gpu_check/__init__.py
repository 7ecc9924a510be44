"""The package of `scripts/gpu-check`: the steps of run.sh, in the order of `__main__.STEPS`."""
