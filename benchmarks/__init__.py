"""Speed and memory, as ratios in one run: absolute figures depend on the machine."""
