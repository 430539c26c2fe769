"""Greedy pass@1 of a model on exercises: `python -m models.evaluate models/tiny --split test --first 100`.

A quick look during training, on our own machine: programs run in a child process with limits of time and memory,
which is no sandbox. `dubito bench` is what measures for the record.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchmarks.base import Problem
from benchmarks.exercises import Exercises

BATCH = 25
NEXT = re.compile(r"\n(?=[^\s#)\]}])")  # an unindented line ends the function
JUDGE = """
import json, sys
given = json.load(sys.stdin)
results = []
for program in (given["right"], given["program"]):
    space = {}
    exec(program, space)
    results.append([repr(space[given["name"]](*eval(args))) for args in given["inputs"]])
print(results[0] == results[1])
"""


def main() -> None:
    """Parse the command line, print one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m models.evaluate", description="Greedy pass@1 on exercises.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=220, help="the longest completion")
    options = parser.parse_args()
    problems = list(Exercises(options.split))[: options.first]
    outcomes = dict(evaluate(options.model, problems, options.tokens))
    failed = [task_id for task_id, passed in outcomes.items() if not passed]
    report = {"solved": len(outcomes) - len(failed), "of": len(outcomes), "failed": failed}
    sys.stdout.write(json.dumps(report) + "\n")


def evaluate(folder: Path, problems: list[Problem], tokens: int) -> Iterator[tuple[str, bool]]:
    """Whether the greedy completion of each problem passes all its tests."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    ordered = sorted(problems, key=lambda problem: len(problem.prompt))
    for at in range(0, len(ordered), BATCH):
        batch = ordered[at : at + BATCH]
        for problem, completion in zip(batch, _complete(model, tokenizer, batch, tokens), strict=True):
            yield problem.task_id, passes(problem, completion)


def passes(problem: Problem, completion: str) -> bool:
    """Run program and reference side by side in a child process with limits."""
    given = {
        "right": problem.prompt + problem.canonical_solution,
        "program": problem.prompt + completion,
        "name": problem.entry_point,
        "inputs": [repr(args) for args in (*problem.base_inputs, *problem.plus_inputs)],
    }
    try:
        ran = subprocess.run(
            [sys.executable, "-I", "-c", JUDGE],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            preexec_fn=_limit,
        )
    except subprocess.TimeoutExpired:
        return False
    return ran.stdout.strip().endswith("True")


def _complete(model: Any, tokenizer: Any, batch: list[Problem], tokens: int) -> list[str]:
    inputs = tokenizer([problem.prompt for problem in batch], return_tensors="pt", padding=True)
    inputs.pop("token_type_ids", None)
    with torch.inference_mode():
        ids = model.generate(**inputs, max_new_tokens=tokens, do_sample=False)
    texts = tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return [NEXT.split(text)[0] + "\n" for text in texts]


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


if __name__ == "__main__":
    main()
