"""Read the examples that a prompt or a test file shows.

    prompt ─ read ─▶ docstrings ─▶ sessions `>>> f(2)`    doctests   ─┐
                               └─▶ lines    `f(2) ➞ 4`    read        ├─▶ Example ─▶ agent.verification runs it
    prompt, test file ─────────▶ asserts  `assert f(2) == 4`  asserts ─┘

An `Example` has two sides: expressions, which the program's process evaluates, and what is judged of their values
without the program. `agent.program.separation` splits them. `assertions` and `imports` know the vocabulary of pytest
and unittest. What looks like an example and cannot be parsed is listed, never dropped. Nothing here runs a program.
"""
