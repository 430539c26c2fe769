"""The policies by name. A policy is a gate, a resolver and a sampler; the papers name them."""

from __future__ import annotations

import math
from dataclasses import replace

from agent.decoding.context import Policy
from agent.decoding.contrast import Contrast
from agent.decoding.gates import NEVER, Gate
from agent.decoding.guidance import Guidance
from agent.decoding.rerank import Rerank
from agent.decoding.rerank_power import PowerRerank
from agent.decoding.rerank_reference import ReferenceRerank
from agent.decoding.samplers import LineStart, Temperature, argmax

GREEDY = Policy(NEVER, Rerank(), argmax)
SAMPLE = Policy(NEVER, Rerank(), Temperature(0.8, top_p=0.95))
ADAPT = Policy(NEVER, Rerank(), LineStart())
ADADEC = Policy(Gate("entropy", 1.0), Rerank(width=3, horizon=5), argmax)
ADADEC_REFERENCE = Policy(Gate("entropy", 1.0), ReferenceRerank(width=3, horizon=5), argmax)
POWER = Policy(Gate("entropy", 1.0), PowerRerank(width=3, horizon=5, rollouts=4), argmax)
USCD = Policy(Gate("collision", -math.log(0.80)), Contrast("linear", weight=0.7, alpha=0.1), argmax)
USCD_ADADEC = Policy(USCD.gate, Contrast("linear", weight=0.7, alpha=0.1, rerank=Rerank(width=3, horizon=5)), argmax)
EG_CFG = Policy(Gate("entropy", 0.5), Guidance(gamma=1.5, alpha=0.1), argmax)

POLICIES: dict[str, Policy] = {
    "greedy": GREEDY,
    "sample": SAMPLE,
    "adapt": ADAPT,
    "adadec": ADADEC,
    "adadec-reference": ADADEC_REFERENCE,
    "power": POWER,
    "uscd": USCD,
    "uscd-adadec": USCD_ADADEC,
    "eg-cfg": EG_CFG,
}


def name_policy(policy: Policy) -> str:
    """Return the name of a policy, with its threshold where that is not the policy's own, as in "adadec@1.3"."""
    for name, known in POLICIES.items():
        if policy == known:
            return name
    for name, known in POLICIES.items():
        own = replace(policy, gate=replace(policy.gate, threshold=known.gate.threshold))
        if own == known and math.isfinite(known.gate.threshold):
            return f"{name}@{policy.gate.threshold:.6g}"
    if policy.resolver.name == "ask":
        return f"ask@{policy.gate.threshold:.6g}"
    return repr(policy)
