"""Build the parts that options name: policy, strategy, profile, sandbox. The checks import nothing slow."""

from __future__ import annotations

import os
from dataclasses import fields, replace
from typing import TYPE_CHECKING

from agent import messages
from agent.cli import choices
from agent.cli.exits import advise
from agent.cli.thresholds import check_threshold, set_threshold
from agent.errors import InvalidRequestError, ProfileError
from agent.lm.names import EMBEDDED, find_model_folder, parse_spec
from agent.messages import join_names
from agent.profile import ModelProfile, find_profile
from agent.program.styles import AUTO, check_style
from agent.strategies import STRATEGIES, Strategy, StrategyOptions, find_strategy

if TYPE_CHECKING:
    from agent.decoding import Policy
    from sandbox.base import Sandbox

_FOR_ALL_STRATEGIES = ("asks", "profile")  # facts of the run, which a strategy may leave alone


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


def build_strategy(name: str, options: StrategyOptions) -> Strategy:
    """Return a strategy with its options. Raises InvalidRequestError for an option that does not go with it."""
    kind = find_strategy(name)
    for part in fields(options):
        if getattr(options, part.name) != part.default and part.name not in (*kind.options, *_FOR_ALL_STRATEGIES):
            taking = join_names(each for each, other in STRATEGIES.items() if part.name in other.options)
            flag = f"--{part.name.replace('_', '-')}"
            raise InvalidRequestError(f"{flag} does not go with {name}; leave it out, or choose --strategy {taking}")
    choices.check_probability("--min-probability", options.min_probability)
    with advise(ProfileError, "learn it with `dubito calibrate search`"):
        return STRATEGIES[name].from_options(options)


def read_profile(model: str) -> ModelProfile:
    """Return what was learned of a model. Raises ModelLoadError for a folder that could hang its reader."""
    from agent.lm.hf import hub

    folder = find_model_folder(model)
    if os.path.isdir(folder):  # noqa: PTH112 - pathlib raises for names that are too long
        hub.check_files(folder)
    with advise(ProfileError, "remove it, and `dubito calibrate` learns a new one"):
        return find_profile(model)


def check_model(name: str, weights: str, prompt_style: str = AUTO) -> None:
    """Raise ModelLoadError for a folder that is no model, or InvalidRequestError for an unknown option."""
    from agent.lm.hf.hub import WEIGHTS, check_folder

    messages.check_choice("weights", weights, WEIGHTS)
    check_style(prompt_style)
    backend, place = parse_spec(name)
    if backend == "hf" and place != EMBEDDED:
        check_folder(place)


def describe_limits(model: str) -> str:
    """Return a sentence about what a model cannot do; an empty one for any but the embedded model."""
    if model != EMBEDDED:
        return ""
    return (
        f"{EMBEDDED} knows only the exercises it was trained on; get a real model with: "
        "dubito models get qwen2.5-coder-0.5b"
    )


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
