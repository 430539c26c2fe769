"""Measure uncertainty: pure functions of logits, spans and counts. Knows no model, no file and no terminal.

A new score is one function and one line in `scores.SCORES`. The package imports none of its modules: `calibration`
needs no torch.
"""
