"""A language model is a function of token ids: protocols, prefix store, one folder or file a backend. No decoding."""

from agent.lm.names import BACKENDS
from agent.lm.open import open_lm

__all__ = ["BACKENDS", "open_lm"]
