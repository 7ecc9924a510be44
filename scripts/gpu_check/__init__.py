"""What `scripts/gpu-check` packs: the steps of run.sh, in the order of `__main__.STEPS`."""
