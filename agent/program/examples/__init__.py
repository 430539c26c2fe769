"""Read the examples that a prompt or a test file shows.

    prompt ─ docstrings ─┬▶ sessions   `>>> f(2)`                       doctests   ──────────────┐
                         ├▶ asserts    `assert f(2) == 4`               asserts    ──────────────┤
                         └▶ page ┬▶ lines      `f(2) ➞ 4`               equations ┐              ├▶ Example
                                 ├▶ arguments  `Input: n = 2`, prose    bindings  ├▶ meaning ────┤
                                 └▶ pairs      `[1, 2] -> 3`, tables    pairs     ┘              │
    test file ──────────────────────────────────────────────────────────asserts ─────────────────┘

`read` puts these together. Each way of showing yields what stands there; `notation` knows how people write values, and
`meaning` leaves unread what could mean two things: `annotations` says which values a type allows, and `retractions`
which ones a text takes back. What looks like an example and is not read is listed, never dropped.

An `Example` has two sides: expressions, which the program's process evaluates, and what is judged of their values
without the program. `agent.program.separation` splits them. `assertions` and `imports` know the vocabulary of pytest
and unittest. Nothing here runs a program; agent.verification does.
"""
