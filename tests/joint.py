"""Completions of tiny models, alone and by tasks that share forwards."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from architectures import VOCAB

from agent.decoding import POLICIES, decode
from agent.decoding.prompt_lookup import PromptLookup
from agent.decoding.stops import token_limit
from agent.lm.hf.model import HFLM
from agent.lm.scheduler import Scheduler

JOINT = {
    "llama",
    "qwen2",
    "qwen3",
    "mistral",
    "gpt2",
    "mixtral",
}  # whose caches grow and whose layers look at all of it
WAYS = {
    "greedy": {"policy": POLICIES["greedy"]},
    "sample": {"policy": POLICIES["sample"]},
    "adadec": {"policy": POLICIES["adadec"]},
    "uscd": {"policy": POLICIES["uscd"], "lame": True},
    "drafts": {"policy": POLICIES["greedy"], "draft": PromptLookup()},
}


def pausing(policy, quantile):
    """Return the policy with a threshold that random weights cross often."""
    return replace(policy, gate=replace(policy.gate, threshold=quantile))


def complete(lm, number, way, tokens=8):
    options = dict(WAYS[way])
    policy, draw = options.pop("policy"), Random(number)
    if policy.gate.score == "entropy" and policy.gate.threshold < 100:
        policy = pausing(policy, 3.9)
    prompt = [draw.randrange(VOCAB) for _ in range(3 + 5 * number)]
    lame = [*prompt[: len(prompt) // 2], 1] if options.pop("lame", False) else None
    steps = list(decode(lm, prompt, policy, stop=token_limit(tokens), lame_ids=lame, seed=number, **options))
    return [(step.token, step.pause is not None) for step in steps], lm.forwards, lm.token_rows


def complete_together(model, numbers, way, at_once):
    shared = HFLM(model)
    scheduler = Scheduler(shared.run_joint, at_once)

    def task(number):
        return number, complete(shared.beside(scheduler.feed), number, way)

    return dict(scheduler.run(lambda number=number: task(number) for number in numbers))
