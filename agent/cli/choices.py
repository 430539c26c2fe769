"""The choices of options, for help and for refusals before anything slow is imported.

What this module names repeats registries that need torch or numpy; a test holds them equal.
"""

from __future__ import annotations

from agent.errors import InvalidRequestError
from agent.messages import check_choice, join_names, quote

# Each policy, and the score by which it pauses; None where it never pauses.
POLICY_SCORES: dict[str, str | None] = {
    "greedy": None,
    "sample": None,
    "adapt": None,
    "adadec": "entropy",
    "adadec-reference": "entropy",
    "power": "entropy",
    "uscd": "collision",
    "uscd-adadec": "collision",
    "eg-cfg": "entropy",
}
# Each value of --accept, and the claims that end `solve` with exit code 0.
ACCEPTED_CLAIMS: dict[str, tuple[str, ...]] = {
    "verified": ("verified",),
    "agreed": ("verified", "agreed"),
    "any": ("verified", "agreed", "unverified"),
}
SCORE_NAMES = ("entropy", "top-entropy", "margin", "least-probability", "collision")
RECIPE_NAMES = ("adadec", "youden", "expected")
DEVICE_TYPES = (  # torch's; the number behind a colon is another thing
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip


def check_policy_name(name: str, *, ask: bool = False) -> None:
    """Raise InvalidRequestError for a policy that does not exist, or never pauses where questions are wanted."""
    check_choice("policy", name, sorted(POLICY_SCORES))
    if ask and POLICY_SCORES[name] is None:
        pausing = join_names(each for each in POLICY_SCORES if POLICY_SCORES[each])
        raise InvalidRequestError(f"--policy {name} never pauses, so --ask has nothing to ask; choose {pausing}")


def check_device(name: str) -> None:
    """Raise InvalidRequestError for a name that is no device of torch, whether this machine has it or not."""
    kind, colon, number = name.partition(":")
    if kind not in DEVICE_TYPES or (colon and not number.isdecimal()):
        raise InvalidRequestError(f"unknown device {quote(name)}; choose cpu, cuda, cuda:1 or another of torch's")


def check_probability(name: str, value: float) -> None:
    """Raise InvalidRequestError for what is no probability; NaN is none."""
    if not 0 <= value <= 1:
        raise InvalidRequestError(f"{name} is {value}; wanted a probability from 0 to 1")
