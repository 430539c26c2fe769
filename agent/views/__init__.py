"""Ways to look at a run: pure functions of steps and results, drawn by rich or written as lines."""
