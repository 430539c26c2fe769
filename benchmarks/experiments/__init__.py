"""Experiments: configurations as data, runs over problems that survive a kill, and studies of what decoding does.

Judging is `benchmarks.judging`'s, and tables are `benchmarks.reports`'.
"""
