"""Run `dubito lsp` with the fake model that its client names.

waiting: a random model of bytes. Each forward is told on stderr, and each but the first waits for a byte, or the end,
of the descriptor that WAITS_FOR names. loading: never there, for it waits so before that. filler: fills each hole with
`x * 2`, one below `triple` with `x + x`, and reads no texts. none: cannot be loaded.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

import agent.cli.components
import agent.errors
import agent.lm.open
from agent.__main__ import main

DESCRIPTOR = int(os.environ["WAITS_FOR"])


class WaitingLM:
    """A model that reads texts as another one does, when it may."""

    def __init__(self, lm: Any) -> None:
        self._lm, self._count = lm, 0
        self.prefill, self.extend, self.branch, self.extend_each = lm.prefill, lm.extend, lm.branch, lm.extend_each
        self.score_tokens = lm.score_tokens
        self.context, self.forwards, self.token_rows = lm.context, 0, 0

    def score_on(self, prefix: Any, tokens: Any) -> Any:
        self._count += 1
        sys.stderr.write(f"forward {self._count}\n")
        if self._count > 1:
            os.read(DESCRIPTOR, 1)
        return self._lm.score_on(prefix, tokens)


def open_fake(name: str, **options: Any) -> Any:
    if name == "none":
        raise agent.errors.ModelLoadError("there is no model 'none'; choose another one")
    if name == "filler":
        from filling import FillingLM

        return FillingLM({"x * 2": 0.9, "x": 0.1}, holes={"triple": {"x + x": 0.9}}).filler()
    if name == "loading":
        sys.stderr.write("load\n")
        os.read(DESCRIPTOR, 1)
    from text_model import byte_model

    model = byte_model(context=100_000)
    sys.stdout.write("a library prints this\n")
    return replace(model, lm=WaitingLM(model.lm))


def check_nothing(*names: str) -> None:
    """Take every name for that of a model."""


if __name__ == "__main__":
    agent.lm.open.open_lm, agent.cli.components.check_model = open_fake, check_nothing
    main()
