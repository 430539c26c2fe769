"""Build the parts that options name: policy, strategy, profile, sandbox. The checks import nothing slow."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

from agent import messages
from agent.cli import choices
from agent.cli.exits import advise
from agent.cli.thresholds import check_threshold, set_threshold
from agent.errors import InvalidRequestError, ProfileError
from agent.lm.names import EMBEDDED, find_model_folder, parse_spec
from agent.profile import ModelProfile, find_profile

if TYPE_CHECKING:
    from agent.decoding import Policy
    from agent.search.frontier import SearchConfig
    from agent.strategies import Strategy
    from sandbox.base import Sandbox


def build_policy(
    name: str, *, model: str, threshold: str | None = None, ask: bool = False, profile: ModelProfile | None = None
) -> Policy:
    """Return a policy with the threshold asked for, else with the profile's. ask: a person resolves its pauses."""
    check_policy(name, model=model, threshold=threshold, ask=ask)
    from agent.decoding import POLICIES
    from agent.decoding.ask import Ask

    policy = POLICIES[name]
    if ask:
        policy = replace(policy, resolver=Ask())
    return set_threshold(policy, threshold, model, profile)


def check_policy(name: str, *, model: str, threshold: str | None = None, ask: bool = False) -> None:
    """Raise InvalidRequestError or ProfileError for what `build_policy` would refuse. Imports nothing slow."""
    choices.check_policy_name(name)
    if threshold is not None:
        check_threshold(threshold, model=model, score=choices.POLICY_SCORES[name])
    choices.check_policy_name(name, ask=ask)


def build_strategy(
    name: str,
    *,
    programs: int | None = None,
    budget: str | None = None,
    order: str | None = None,
    min_probability: float = 0.0,
    ask: bool = False,
    profile: ModelProfile | None = None,
) -> Strategy:
    """Return a strategy with its options. Raises InvalidRequestError for an option that does not go with it."""
    from agent.search.frontier import with_profile
    from agent.strategies import STRATEGIES, Beam, BestOf, Once, Tree

    messages.check_choice("strategy", name, STRATEGIES)
    if name == "tree":
        config = _search_config(programs, budget, order or "probability", min_probability, ask=ask)
        with advise(ProfileError, "learn it with `dubito calibrate search`"):
            return Tree(with_profile(config, profile) if profile else config)
    for_trees = {"--budget": budget, "--order": order, "--min-probability": min_probability or None}
    if came := next((option for option, value in for_trees.items() if value is not None), None):
        raise InvalidRequestError(
            f"{came} bounds searches, and {name} is none; leave it out, or choose --strategy tree"
        )
    if name == "once":
        if programs not in (None, 1):
            raise InvalidRequestError(
                f"once writes one program, and --programs {programs} came; choose best-of or tree"
            )
        return Once()
    if programs is None:
        return BestOf() if name == "best-of" else Beam()
    return BestOf(programs) if name == "best-of" else Beam(programs)


def _search_config(
    programs: int | None, budget: str | None, order: str, min_probability: float, *, ask: bool
) -> SearchConfig:
    """Return how to search: within this budget and in this order."""
    from agent.search.budget import Budget, budget_from
    from agent.search.frontier import SearchConfig
    from agent.search.orders import ORDERS

    messages.check_choice("order", order, ORDERS)
    choices.check_probability("--min-probability", min_probability)
    if programs and budget and budget_from(budget, Budget(None)).programs is not None:
        raise InvalidRequestError(f"--programs {programs} came, and the budget names programs, too; give one of them")
    bounds = Budget() if programs is None else Budget(programs)
    bounds = bounds if budget is None else budget_from(budget, bounds)
    return SearchConfig(bounds, order, questions=3 if ask else 0, min_probability=min_probability)


def read_profile(model: str) -> ModelProfile:
    """Return what was learned of a model. Raises ModelLoadError for a folder that could hang its reader."""
    from agent.lm.hf import hub

    folder = find_model_folder(model)
    if os.path.isdir(folder):  # noqa: PTH112 - pathlib raises for names that are too long
        hub.check_files(folder)
    with advise(ProfileError, "remove it, and `dubito calibrate` learns a new one"):
        return find_profile(model)


def check_model(name: str, dtype: str, prompt_format: str = "auto") -> None:
    """Raise ModelLoadError for a folder that is no model, or InvalidRequestError for an unknown option."""
    from agent.lm.hf.hub import DTYPES, check_folder

    messages.check_choice("dtype", dtype, DTYPES)
    messages.check_choice("prompt format", prompt_format, choices.PROMPT_FORMATS)
    backend, place = parse_spec(name)
    if backend == "hf" and place != EMBEDDED:
        check_folder(place)


def check_sandbox(name: str | None) -> None:
    """Raise InvalidRequestError for a sandbox that does not exist."""
    from sandbox import SANDBOXES

    if name is not None:
        messages.check_choice("sandbox", name, sorted(SANDBOXES))


def start_sandbox(name: str | None, *, workers: int = 1, memory_mib: int | None = None, fresh: bool = False) -> Sandbox:
    """Start a sandbox: docker, else bubblewrap, where no name is given. fresh: one of its own for every program."""
    from sandbox import open_sandbox

    try:
        return open_sandbox(name, workers=workers, memory_mib=memory_mib, fresh=fresh)
    except ValueError as error:
        raise InvalidRequestError(str(error)) from error
