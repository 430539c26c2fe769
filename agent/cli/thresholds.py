"""The threshold at which a policy pauses: what `--threshold` names, else the learned one, else the policy's own."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.cli.exits import advise
from agent.errors import InvalidRequestError, ProfileError
from agent.lm.names import digest_weights
from agent.messages import quote
from agent.profile import ModelProfile, find_profile, load_profile

if TYPE_CHECKING:
    from agent.decoding import Policy

LEARNED = "learned"  # the threshold of the model's profile
DEVIATION = "std="  # opens a threshold that bounds std(p)
NEVER_PAUSES = "this policy never pauses, so it takes no threshold; choose adadec or uscd, or leave it out"
_NATS = "give one in nats, as in --threshold 1.0"


def set_threshold(policy: Policy, text: str | None, model: str, profile: ModelProfile | None = None) -> Policy:
    """Return the policy with the threshold that a text names, else with the one of the profile, else as it is."""
    from agent.api import apply_profile

    if text is None:
        return apply_profile(policy, profile) if profile else policy
    if not math.isfinite(policy.gate.threshold):
        raise InvalidRequestError(NEVER_PAUSES)
    score = policy.gate.score
    if text.startswith(DEVIATION):
        threshold = _collision_bound(text, model, score)
    else:
        threshold = read_threshold(text, model=model, score=score)
    return replace(policy, gate=replace(policy.gate, threshold=threshold))


def describe_threshold(policy: Policy, name: str, text: str | None) -> str:
    """Return the words for a threshold that comes from a profile; none for any other."""
    from agent.decoding import POLICIES

    if text is not None or policy.gate.threshold == POLICIES[name].gate.threshold:
        return ""
    nats = f"{policy.gate.threshold:.2f} nats"
    return f", pausing from {nats} on, as learned or published for it (--threshold changes it)"


def check_threshold(text: str, *, model: str, score: str | None) -> None:
    """Raise InvalidRequestError or ProfileError for a threshold that a policy of this score cannot take."""
    if score is None:
        raise InvalidRequestError(NEVER_PAUSES)
    if text.startswith(DEVIATION):
        parse_deviation(text, score)
    else:
        read_threshold(text, model=model, score=score)


def check_threshold_text(text: str) -> None:
    """Raise InvalidRequestError or ProfileError for a text that is a threshold of no policy and no model."""
    if text.startswith(DEVIATION):
        parse_deviation(text, "collision")
    elif text != LEARNED and _parse_number(text) is None:
        _load_thresholds(text)


def parse_deviation(text: str, score: str) -> float:
    """Return the bound on std(p) that a threshold states. Raises InvalidRequestError."""
    if score != "collision":
        raise InvalidRequestError(
            f"{quote(text)} came, and this policy pauses by {score}; a bound on std(p) goes with uscd"
        )
    try:
        deviation = float(text.removeprefix(DEVIATION))
    except ValueError:
        deviation = math.nan
    if not 0 <= deviation <= 1:
        raise InvalidRequestError(
            f"{quote(text)} came; wanted a standard deviation of probabilities, as in {DEVIATION}0.0035"
        )
    return deviation


def read_threshold(text: str, *, model: str, score: str) -> float:
    """Return the threshold of a text: a number, `learned`, or the path of a profile of this model."""
    if text == LEARNED:
        return _learned_threshold(model, score)
    number = _parse_number(text)
    if number is not None:
        return number
    profile = _load_thresholds(text)
    weights = digest_weights(model)
    if not profile.is_of(model, weights):
        raise ProfileError(
            f"the threshold in {quote(text)} was learned from {_describe(profile.model, profile.weights)}, and this "
            f"is {_describe(model, weights)}; learn one from it with `dubito calibrate threshold --model {model}`"
        )
    if score not in profile.thresholds:
        scores = ", ".join(profile.thresholds) or "none"
        raise ProfileError(f"{quote(text)} holds thresholds of {scores}, and this policy pauses by {score}")
    return profile.thresholds[score].threshold


def _load_thresholds(text: str) -> ModelProfile:
    with advise(ProfileError, "wanted a number, as in --threshold 1.0, or a file of `dubito calibrate threshold`"):
        return load_profile(Path(text))


def _learned_threshold(model: str, score: str) -> float:
    """Return the threshold learned or published for a model. Raises ProfileError if there is none."""
    threshold = find_profile(model).threshold(score)
    if threshold is None:
        raise ProfileError(
            f"no threshold of {score} was learned for {quote(model)}; learn one with `dubito calibrate threshold "
            f"--model {model} --score {score} --recipe budget=0.07`"
        )
    return threshold


def _parse_number(text: str) -> float | None:
    """Return the number that a text states; None where it may name a file. Raises InvalidRequestError."""
    if not text.strip():
        raise InvalidRequestError(f"the threshold is empty; {_NATS}, or a file")
    try:
        number = float(text)
    except ValueError:
        return None
    if math.isnan(number) or number < 0:
        raise InvalidRequestError(
            f"the threshold {quote(text)} is not a number from 0 on; {_NATS}, or inf for no pause"
        )
    return number


def _describe(model: str, weights: str) -> str:
    return f"{quote(model)[1:-1]} (weights {quote(weights)[1:-1]})" if weights else quote(model)[1:-1]


def _collision_bound(text: str, model: str, score: str) -> float:
    """Return the collision entropy of a bound on std(p) for this model's vocabulary: the gate of USCD's code."""
    from agent.lm.hf.load import read_vocab_size
    from uncertainty.scores import collision_of_deviation

    return collision_of_deviation(parse_deviation(text, score), read_vocab_size(model))
