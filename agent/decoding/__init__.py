"""Decode one completion token by token: gates pause, resolvers settle pauses, samplers choose all other tokens."""

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
