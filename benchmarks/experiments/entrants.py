"""Contestants as the command line asks for them: by name, with a threshold, a budget or another run to equal."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from agent.cli import components
from agent.cli.thresholds import set_threshold
from agent.decoding import Policy
from agent.errors import InvalidRequestError
from agent.files.access import STDOUT, reason_of
from agent.messages import quoted
from agent.search.budget import budget_from
from agent.strategies import Contestant, TreeSearch, best_of_equal, once
from benchmarks.base import Problem
from benchmarks.experiments.arms import CONTESTANTS, by_chance
from benchmarks.experiments.outcomes import outcomes_in, pause_rate

BY_FILE = ("best-of-equal", "adadec-by-chance")  # contestants that another run's outcomes make


class Entrant(NamedTuple):
    """A policy, and the way of using it."""

    policy: Policy
    contestant: Contestant


def entrant(
    name: str, *, threshold: str | None, budget: str | None, model: str, problems: Sequence[Problem], equal: Path | None
) -> Entrant:
    """Return what a name stands for; adadec@0.5 is adadec that pauses from 0.5 nats on. Raises InvalidRequestError."""
    name, threshold = _at(name, threshold)
    if (name in BY_FILE) != (equal is not None):
        raise InvalidRequestError(
            f"{' and '.join(BY_FILE)} go with --equal FILE, outcomes of the run that they are to equal"
        )
    if equal is not None:
        return _bounded(name, _equal(name, threshold, model, problems, equal), budget)
    if name not in CONTESTANTS:
        choices = ", ".join(sorted([*CONTESTANTS, *BY_FILE]))
        raise InvalidRequestError(f"unknown contestant {quoted(name)}; choose from {choices}")
    policy, contestant = CONTESTANTS[name]
    return _bounded(name, Entrant(set_threshold(policy, threshold, model), contestant), budget)


def _at(name: str, threshold: str | None) -> tuple[str, str | None]:
    """Return a name without its threshold, and the threshold: its own, or else the one given."""
    base, own, nats = name.partition("@")
    if not own:
        return base, threshold
    if not re.fullmatch(r"\d{0,9}\.?\d{0,9}|inf", nats) or not nats.strip("."):
        raise InvalidRequestError(f"{quoted(name)[1:-1]} came; wanted a number of nats behind the @, as in adadec@0.5")
    return base, nats


def names_in(text: str, budget: str | None) -> list[str]:
    """Return the names in a text with commas. Raises InvalidRequestError for what cannot go on side by side."""
    names = text.split(",")
    alike = [(base, nats and float(nats)) for base, nats in (_at(name, None) for name in names)]
    if twice := [name for name, same in zip(names, alike, strict=True) if alike.count(same) > 1]:
        raise InvalidRequestError(f"the contestant {quoted(twice[-1])} came twice; wanted each once")
    if len(names) > 1 and budget and budget_from(budget).seconds is not None:
        raise InvalidRequestError(
            "seconds cannot bound contestants side by side, which share theirs; run each by itself"
        )
    return names


def files_of(out: Path | None, names: Sequence[str]) -> list[Path | None]:
    """Return where each contestant keeps its outcomes: one in the file, several in a folder."""
    if out is None or len(names) == 1:
        return [out] * len(names)
    if str(out) == STDOUT:
        raise InvalidRequestError(
            "several policies keep their outcomes in a folder, and --out - is none; name a folder"
        )
    folder = made_folder(out)
    return [file_in(folder, name) for name in names]


def made_folder(folder: Path | None) -> Path | None:
    """Make the folder in which a run of several keeps its outcomes. Raises InvalidRequestError."""
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidRequestError(
                f"cannot make the folder {quoted(folder)}: {reason_of(error)}; choose another --out"
            ) from error
    return folder


def file_in(folder: Path | None, name: str) -> Path | None:
    """Return where one of several keeps its outcomes."""
    return None if folder is None else folder / f"{name}.jsonl"


def digest_of_run(equal: Path | None) -> str | None:
    """Return what tells the outcomes that a contestant is to equal from others; None without any."""
    if equal is None:
        return None
    spent = [(each.task_id, each.token_rows, each.pauses, each.tokens) for each in outcomes_in(equal)]
    return hashlib.sha256(repr(spent).encode()).hexdigest()[:12]


def _equal(name: str, threshold: str | None, model: str, problems: Sequence[Problem], file: Path) -> Entrant:
    outcomes = outcomes_in(file)
    if name == "adadec-by-chance":
        if threshold is not None:
            raise InvalidRequestError("adadec-by-chance pauses by chance and takes no threshold; leave it out")
        return Entrant(by_chance(pause_rate(outcomes)), once)
    spent = {outcome.task_id: outcome.token_rows for outcome in outcomes}
    if lacking := [problem.task_id for problem in problems if problem.task_id not in spent]:
        raise InvalidRequestError(
            f"{quoted(file)} has no outcome of {lacking[0]}; run the other contestant over it first"
        )
    budgets = {problem.prompt: spent[problem.task_id] for problem in problems}
    return Entrant(components.policy_named("sample", model=model, threshold=threshold), best_of_equal(budgets))


def _bounded(name: str, found: Entrant, budget: str | None) -> Entrant:
    if budget is None:
        return found
    if not isinstance(found.contestant, TreeSearch):
        raise InvalidRequestError(f"--budget bounds searches, and {name} is none; leave it out")
    config = found.contestant.config
    return found._replace(contestant=TreeSearch(replace(config, budget=budget_from(budget, config.budget))))
