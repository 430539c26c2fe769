"""Requests as people write them in a chat, with hidden checks: no prompt shows an example."""

from benchmarks.sentences.benchmark import Sentences

__all__ = ["Sentences"]
