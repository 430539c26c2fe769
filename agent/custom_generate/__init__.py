"""Decoding policies for users of transformers: one import, one argument of `generate`. No agent, no workflow."""

from agent.custom_generate.generate import adadec, generate_by, uscd

__all__ = ["adadec", "generate_by", "uscd"]
