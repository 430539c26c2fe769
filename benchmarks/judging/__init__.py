"""Decide whether a program solves a problem. Inputs go into the sandbox, values come out, and are compared here.

`checker.judge_program` judges one program; `samples.judge_samples` judges a file of anybody's samples.
"""
