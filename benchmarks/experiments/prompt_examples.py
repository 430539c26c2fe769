"""Measure how prompts' examples are read: which are, which the canonical solution fails, which lines are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agent.program.examples.read import read_examples
from agent.verification.examples import verify
from benchmarks.base import Problem
from sandbox.base import Sandbox


@dataclass(frozen=True, slots=True)
class PromptExamples:
    """The examples of one problem's prompt, as they are read."""

    task_id: str
    examples: tuple[str, ...]  # that are read
    failed: tuple[str, ...]  # of these, those that the canonical solution fails
    unparsed: tuple[str, ...]  # lines that look like an example and are not read


def check_prompts(problems: Iterable[Problem], sandbox: Sandbox) -> Iterator[PromptExamples]:
    """Read the examples of each prompt, and run the canonical solution on them. Raises SandboxError."""
    for problem in problems:
        examples, unparsed = read_examples(problem.prompt)
        sources = tuple(example.source for example in examples)
        verification = verify(sandbox, problem.reference_program, examples) if examples else None
        if verification is None or verification.passed:
            failed = tuple[str, ...]()
        else:  # a solution that did not run to its end fails all
            failed = tuple(sources[number] for number in verification.failed_examples) or sources
        yield PromptExamples(problem.task_id, sources, failed, tuple(unparsed))


def count_examples(prompts: Sequence[PromptExamples]) -> dict[str, Any]:
    """Return the counts, and the examples and lines that a person should see, as plain data."""
    return {
        "problems": len(prompts),
        "prompts_that_show_examples": sum(bool(each.examples or each.unparsed) for each in prompts),
        "prompts_with_an_example_read": sum(bool(each.examples) for each in prompts),
        "examples_read": sum(len(each.examples) for each in prompts),
        "examples_that_the_canonical_solution_fails": sum(len(each.failed) for each in prompts),
        "failed": {each.task_id: each.failed for each in prompts if each.failed},
        "prompts_with_lines_not_read": sum(bool(each.unparsed) for each in prompts),
        "not_read": {each.task_id: each.unparsed for each in prompts if each.unparsed},
    }


def examples_table(counts: dict[str, Any]) -> str:
    """Return the counts for people; below some, the problems and the lines that they count."""
    lines = list[str]()
    for name, value in counts.items():
        if isinstance(value, dict):
            lines += [f"  {task_id}  {line}" for task_id, shown in value.items() for line in shown]
        else:
            lines.append(f"{name.replace('_', ' '):<46}{value}")
    return "\n".join(lines)
