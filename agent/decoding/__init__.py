"""Decoding token by token: gates say when to pause, resolvers what to do there, samplers everything else."""

from agent.decoding.context import Place, Policy
from agent.decoding.gates import Gate
from agent.decoding.loop import decode, until_pause
from agent.decoding.policies import POLICIES
from agent.decoding.step import Candidate, Completion, Pause, Step

__all__ = ["POLICIES", "Candidate", "Completion", "Gate", "Pause", "Place", "Policy", "Step", "decode", "until_pause"]
