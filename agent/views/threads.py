"""Named runs for a person: a list of them, one in full, and the command that goes on with it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Any

from agent.messages import flatten
from agent.program.task import Task
from agent.records import Attempt, CandidateQuestion, OutputQuestion, label_of
from agent.search.budget import Budget
from agent.search.frontier import ONE_PROGRAM, SearchConfig
from agent.strategies import STRATEGIES, Search
from agent.views.choices import describe_reply
from agent.views.report import Report
from agent.views.text import format_code
from agent.views.tree import draw_attempt
from agent.workflow.named_runs import NamedRun, WholeRun
from agent.workflow.standing import find_standing
from agent.workflow.state import AgentState

_WIDTH = 78  # characters of a request's line, behind two blanks
_BENCHMARK = re.compile(r"(?:HumanEval|Mbpp|exercises)/[\w/]+")
_WEIGHTS = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}  # --weights, by torch's names


def describe_named_runs(runs: Sequence[NamedRun]) -> Report:
    """Return named runs as a list, two lines each."""
    records = [_record(run) for run in runs]
    lines = [f"{run.name}  {_say_state(run)}\n  {_say_request(run)}" for run in runs]
    return Report({"threads": records}, "\n".join(lines) or "no run has a name yet; solve --thread NAME gives it one")


def describe_named_run(stored: WholeRun) -> Report:
    """Return a named run in full: what was asked, its programs, and the command that goes on with it."""
    run, state = stored.run, stored.state
    command = shlex.join(write_command(run.name, state))
    programs = [_record_attempt(attempt) for attempt in state.attempts]
    question = _say_question(stored.question) if stored.question else None
    standing, replies = _find_standing(state), [describe_reply(each) for each in state.replies]
    record = {
        **_record(run), "request": state.task.request, "options": state.identity, "search": _settings_of(state.config),
        "programs": programs, "standing": standing, "question": question, "replies": replies, "command": command,
    }  # fmt: skip
    lines = [f"{run.name}  {_say_state(run)}", *_indent(state.task.request)]
    lines += [f"programs: {len(programs) or 'none yet'}", *(draw_attempt(each).plain for each in state.attempts)]
    shown = state.answer.attempt if state.answer else len(state.attempts) - 1
    lines += _indent(state.attempts[shown].program) if state.attempts else []
    lines += ["answered:", *_indent("\n".join(replies))] if replies else []
    lines += [f"it ended: {standing}"] if standing else []
    lines += [f"it asks: {question}"] if question else []
    lines += [f"{'Print its answer again' if standing else 'Go on'} with:", f"  {command}"]
    if state.task.tests:
        lines.append("FILE is the file of tests that it began with.")
    return Report(record, "\n".join(lines))


def describe_removal(runs: Sequence[NamedRun]) -> str:
    """Return what was removed, a line each."""
    return "\n".join(f"removed {run.name}  {_say_state(run)}" for run in runs)


def write_command(name: str, state: AgentState) -> list[str]:
    """Return the words of the command that resumes a run, with all options that a run cannot change."""
    identity, words = state.identity, ["dubito", "solve", "--thread", name]
    strategy = find_strategy_name(state.config)
    options = {
        "model": identity.get("model"),
        "weights": _WEIGHTS.get(str(identity.get("dtype")), identity.get("dtype")),
        "prompt-style": (identity.get("prompt_style") or {}).get("name"),
        "policy": identity.get("policy"),
        "threshold": identity.get("threshold"),
        "strategy": strategy,
        **_search_options(strategy, state.config),
        "max-tokens": identity.get("max_tokens"),
        "tau": identity.get("tau"),
        "holes": identity.get("holes"),
        "seed": identity.get("seed"),
        "sandbox": identity.get("sandbox"),
        "device": identity.get("device"),
    }
    for option, value in options.items():
        words += [] if value is None else [f"--{option}", str(value)]
    return [*words, *(["--ask"] if identity.get("ask") else []), *_task_options(state.task)]


def find_strategy_name(config: SearchConfig) -> str:
    """Return the strategy whose searches are configured like this one."""
    if config.votes == ONE_PROGRAM.votes and config.mutants == ONE_PROGRAM.mutants:
        return "once"
    searches = {name: kind for name, kind in STRATEGIES.items() if issubclass(kind, Search)}
    fitting = [
        name
        for name, kind in searches.items()
        if all(getattr(config, field) == value for field, value in kind.settings.items())
    ]
    return max(fitting, key=lambda name: len(searches[name].settings))


def _search_options(strategy: str, config: SearchConfig) -> dict[str, Any]:
    """Return the options of a search that its strategy takes."""
    taken = STRATEGIES[strategy].options
    if "budget" not in taken:
        return {"programs": config.budget.programs} if strategy != "once" else {}
    return {
        "budget": ",".join(f"{part}={bound}" for part, bound in _bounds(config.budget).items()),
        "order": config.order,
        "min-probability": config.min_probability,
    }


def _bounds(budget: Budget) -> dict[str, float]:
    parts = {part: getattr(budget, part) for part in Budget.__dataclass_fields__}
    return {part: bound for part, bound in parts.items() if bound is not None}


def _task_options(task: Task) -> list[str]:
    """Return the words that ask for a task: a problem's name, a file, or the request itself."""
    tests = ["--tests", "FILE"] if task.tests else []
    if _BENCHMARK.fullmatch(task.name):
        return ["--task", task.name, *tests]
    return [*tests, "--", task.request] if task.name == "your sentence" else ["--file", task.name, *tests]


def _settings_of(config: SearchConfig) -> dict[str, Any]:
    strategy = find_strategy_name(config)
    return {
        "strategy": strategy,
        **{key.replace("-", "_"): value for key, value in _search_options(strategy, config).items()},
    }


def _record(run: NamedRun) -> dict[str, Any]:
    written = run.written.isoformat() if run.written else None
    return {
        "name": run.name,
        "state": run.state,
        "written": written,
        "task": run.task,
        "request": run.request,
        "bytes": run.size,
    }


def _record_attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "label": label_of(attempt), "verdict": attempt.verdict, "checked": attempt.checked, "passed": attempt.passed,
        "program": attempt.program, "failures": [failure.record() for failure in attempt.failures],
        "tokens": attempt.cost.tokens,
    }  # fmt: skip


def _say_state(run: NamedRun) -> str:
    """Return how far a run is, when it was written in the local time, and its size."""
    written = f", {run.written.astimezone():%Y-%m-%d %H:%M}" if run.written else ""
    size = f"{run.size / 1e6:.1f} MB" if run.size >= 1e6 else f"{run.size / 1e3:.0f} KB"
    return f"{run.state}{written}, {size}"


def _say_request(run: NamedRun) -> str:
    """Return the first line of a request, with the name of its task where it has one."""
    lines = run.request.strip().splitlines() or ["(it was cut off before its request was written)"]
    name = "" if run.task in ("", "your sentence") else f"{run.task}: "
    return format_code(f"{name}{lines[0]}", _WIDTH)


def _say_question(question: CandidateQuestion | OutputQuestion) -> str:
    if isinstance(question, OutputQuestion):
        return f"what does {flatten(question.call)} give?"
    ways = ", ".join(repr(format_code(candidate.text)) for candidate in question.candidates)
    return f"what comes next behind {format_code(question.text[-40:])!r}: {ways}?"


def _find_standing(state: AgentState) -> str | None:
    """Return the claim of a run that ended; None for another."""
    if state.answer is None or state.outcome is None:
        return None
    return find_standing(state.outcome, state.attempts[state.answer.attempt], state.answer)


def _indent(text: str) -> list[str]:
    return [f"  {line}" for line in text.rstrip().splitlines()]
