"""The pause tree: which attempt comes next, and which attempt stands for the run. Decodes and runs nothing."""
