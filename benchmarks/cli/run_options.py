"""The shared part of commands over a benchmark: options as one record, model and sandbox, a line of progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from agent.errors import InvalidRequestError
from agent.messages import quote

if TYPE_CHECKING:
    from agent.decoding import Policy
    from agent.lm.base import Model
    from agent.profile import ModelProfile
    from agent.workflow.context import Context
    from benchmarks.base import Benchmark, Problem
    from benchmarks.experiments.record_file import R, RecordFile
    from sandbox.base import Sandbox

Item = TypeVar("Item")

TasksOption = Annotated[
    str | None, typer.Option(help="Take only the problems with these ids, as in HumanEval/1,HumanEval/7.")
]
BatchOption = Annotated[
    str,
    typer.Option(help="Decode so many problems side by side; it changes no result. auto: as many as suit the device."),
]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The problems, the model, the sandbox and the bounds of a command."""

    benchmark: str
    model: str
    limit: int | None = None
    max_tokens: int = 512
    sandbox: str | None = None
    memory_mib: int | None = None
    seed: int = 0
    device: str | None = None
    weights: str = "auto"
    prompt_style: str = "auto"
    tasks: str | None = None  # ids of the problems to take

    def check(self) -> None:
        """Raise InvalidRequestError for a model, a type or a sandbox that does not exist. Loads nothing."""
        from agent.cli import components

        components.check_model(self.model, self.weights, self.prompt_style)
        components.check_sandbox(self.sandbox)

    def problems(self) -> list[Problem]:
        """Return the problems. Raises InvalidRequestError for a benchmark that does not exist."""
        return read_problems(self.benchmark, self.limit, self.tasks)

    def provenance(self) -> dict[str, Any]:
        """Return what tells a run with these options from another; how many problems it is over does not."""
        from agent.lm.hf.hub import WEIGHTS
        from agent.lm.names import digest_weights

        options = {name: value for name, value in asdict(self).items() if name not in ("limit", "tasks")}
        return {
            **options,
            "tests": find_benchmark(self.benchmark).digest_tests(),
            "dtype": "int8" if self.weights == "int8" else WEIGHTS[self.weights],
            "weights": digest_weights(self.model),
        }

    def context(self, policy: Policy, cleanup: ExitStack, *, profile: ModelProfile | None = None) -> Context:
        """Load the model and open the sandbox, which `cleanup` closes. profile: what was learned of the model."""
        from agent.lm import open_lm
        from agent.profile import ModelProfile
        from agent.workflow.context import Context

        options = {"device": self.device, "weights": self.weights, "prompt_style": self.prompt_style}
        model = open_lm(self.model, **options)  # type: ignore[arg-type]  # each has its type in the record
        box = open_box(self.sandbox, cleanup, self.memory_mib)
        profile = profile or ModelProfile("")
        return Context(model, policy, box, max_tokens=self.max_tokens, seed=self.seed, profile=profile)


def split_names(text: str) -> list[str]:
    """Return the names in a list with commas. Raises InvalidRequestError for one that comes twice."""
    names = [name.strip() for name in text.split(",")]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InvalidRequestError(f"{quote(twice[0])} comes twice in {quote(text)}; name each once")
    return names


def read_batch(text: str) -> int | None:
    """Return how many problems to decode side by side; None for `auto`. Raises InvalidRequestError."""
    if text == "auto":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 4096:
        raise InvalidRequestError(f"--batch {quote(text)} came; wanted auto, or a number from 1 to 4096")
    return int(text)


def open_box(
    sandbox: str | None, cleanup: ExitStack, memory_mib: int | None = None, workers: int = 1, *, fresh: bool = False
) -> Sandbox:
    """Open a sandbox, which `cleanup` closes. fresh: every program gets a sandbox of its own."""
    from agent.cli import components
    from agent.views.say import announce_sandbox

    announce_sandbox()
    box = components.start_sandbox(sandbox, workers=workers, memory_mib=memory_mib, fresh=fresh)
    return cleanup.enter_context(closing(box))


def open_records(
    path: Path | None, kind: type[R], options: Mapping[str, Any], cleanup: ExitStack
) -> RecordFile[R] | None:
    """Open the file of a run, which `cleanup` closes; None without a path."""
    from benchmarks.experiments.record_file import RecordFile

    return None if path is None else cleanup.enter_context(closing(RecordFile(path, kind, options)))


def collect(stream: Iterable[Item], total: int, label: Callable[[Item], str], *, known: int = 0) -> list[Item]:
    """Return all items of a stream; show on stderr how many came, and how each of them ended.

    label: says how an item ended, in a word or two. known: as many of the first ones come from a file.
    """
    from agent.views.progress import ProgressView

    items: list[Item] = []
    with ProgressView(total, known=known) as view:
        for item in stream:
            items.append(item)
            view.count(label(item))
    return items


def find_benchmark(name: str) -> Benchmark:
    """Open the benchmark of this name. Raises InvalidRequestError with what exists."""
    from benchmarks import open_benchmark

    try:
        return open_benchmark(name)
    except KeyError as error:
        raise InvalidRequestError(str(error.args[0])) from error


def read_problems(benchmark: str, limit: int | None, tasks: str | None = None) -> list[Problem]:
    """Return the problems of a benchmark: all, its first ones, or those with these ids.

    Raises InvalidRequestError with what exists.
    """
    from itertools import islice

    if benchmark == "exercises/train" and limit is None:
        raise InvalidRequestError("exercises/train has no end; say how much of it with --limit")
    problems = list(islice(find_benchmark(benchmark), limit))
    if tasks is None:
        return problems
    from benchmarks.experiments.plan import choose_problems

    return choose_problems(problems, split_names(tasks))


def open_as_evalplus(name: str, **options: Any) -> Model:
    """Open a model that is asked in the style evalplus. Raises InvalidRequestError for one that is no chat model."""
    from agent.errors import ModelLoadError
    from agent.lm import open_lm

    try:
        return open_lm(name, prompt_style="evalplus", **options)
    except ModelLoadError as error:
        if "chat template" not in str(error):
            raise
        raise InvalidRequestError(
            f"{quote(name)} has no chat template that works, and evalplus asks chat models; choose one, such as "
            "qwen2.5-coder-0.5b"
        ) from error


def read_problem(task_id: str) -> Problem:
    """Return one problem of a benchmark. Raises InvalidRequestError with what exists."""
    from benchmarks import find_problem

    try:
        return find_problem(task_id)
    except KeyError as error:
        raise InvalidRequestError(str(error.args[0])) from error


def hidden_verdicts(box: Sandbox, problem: Problem, program: str) -> dict[str, str]:
    """Judge a program by the tests that the agent never sees. Only verdicts leave: reasons name hidden inputs."""
    from benchmarks.judging.checker import judge_program

    judged = judge_program(box, problem, program)
    return {"base": judged.base.verdict.value, "plus": judged.plus.verdict.value}
