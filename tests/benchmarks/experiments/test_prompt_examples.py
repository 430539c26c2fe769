"""The examples of prompts are counted, checked on the canonical solutions, and what is wrong is named."""

import json

from results import dubito

from benchmarks.base import Problem
from benchmarks.experiments.prompt_examples import check_prompts, count_examples, examples_table
from sandbox import open_sandbox


def problem(number: int, docstring: str) -> Problem:
    prompt = f'def f(x):\n    """{docstring}"""\n'
    return Problem(f"t/{number}", prompt, "f", "    return x + 1\n", (), ())


def test_an_example_that_the_canonical_solution_fails_is_named_and_so_is_a_line_that_is_not_read():
    problems = [problem(0, "\n    >>> f(1)\n    2\n    >>> f(2)\n    2\n    "), problem(1, "\n    f(1) -> x + 1\n    ")]
    box = open_sandbox("process")
    try:
        counts = count_examples(list(check_prompts([*problems, problem(2, "Add one.")], box)))
    finally:
        box.close()
    assert (counts["problems"], counts["prompts_that_show_examples"], counts["prompts_with_an_example_read"]) == (
        3,
        2,
        1,
    )
    assert (counts["failed"], counts["not_read"]) == ({"t/0": (">>> f(2)",)}, {"t/1": ("f(1) -> x + 1",)})
    assert "  t/0  >>> f(2)" in examples_table(counts).splitlines()


def test_the_command_prints_the_counts_as_json():
    result = dubito("bench", "examples", "exercises", "--limit", 3, "--sandbox", "process", "--json")
    assert result.exit_code == 0, result.output
    counts = json.loads(result.stdout)
    assert (counts["prompts_with_an_example_read"], counts["failed"]) == (3, {})
