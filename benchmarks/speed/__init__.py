"""Measure seconds, forwards and memory of decoding, and the speed of the sandbox. No test looks at the numbers."""
