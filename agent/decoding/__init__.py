"""Decoding token by token: gates say when to pause, resolvers what to do there, samplers everything else."""

from agent.decoding.context import DecodeState, Policy
from agent.decoding.gates import Gate
from agent.decoding.loop import decode, decode_until_pause
from agent.decoding.policies import POLICIES
from agent.decoding.step import Candidate, Completion, Pause, Step

__all__ = [
    "POLICIES",
    "Candidate",
    "Completion",
    "DecodeState",
    "Gate",
    "Pause",
    "Policy",
    "Step",
    "decode",
    "decode_until_pause",
]
