"""The search over the pause tree: which attempt comes next, which one stands for the run. Decodes and runs nothing."""
