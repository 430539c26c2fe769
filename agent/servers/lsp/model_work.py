"""What the model does for the open documents, each piece of it in the thread of the model. Knows no message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

from agent.lm.base import Model
from agent.lm.scoring import SourceScorer
from agent.program.holes import Hole
from agent.program.spans import UncertainSpan
from agent.servers.lsp.documents import Document, Reading
from agent.servers.lsp.filling import fill_together
from agent.servers.model_thread import ModelThread, Stop, Urgency
from agent.workflow.filled import FilledHole
from agent.workflow.inline import complete_inline
from sandbox.base import Sandbox


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person sets; the client's initializationOptions come before the command line."""

    model: str
    sandbox: str | None
    most: int  # spans of a file


@dataclass(frozen=True, slots=True)
class EditorTools:
    """How to open a model and a sandbox by the names in the settings, which may take seconds and raise.

    explain: returns a sentence about an error.
    """

    open_model: Callable[[str], Model]
    open_sandbox: Callable[[str | None], Sandbox]
    explain: Callable[[BaseException], str]


class ModelWork:
    """One model for all documents. It is loaded when it is first wanted.

    announce: shows a title while something takes long. Whoever cancels a call stops its work.
    """

    def __init__(
        self, settings: Settings, tools: EditorTools, announce: Callable[[str], AbstractAsyncContextManager[None]]
    ) -> None:
        self.settings = settings
        self._tools, self._announce, self._thread = tools, announce, ModelThread(newest_first=True)
        self._model: asyncio.Task[Model] | None = None

    async def score(self, document: Document, source: str, text: str) -> tuple[UncertainSpan, ...]:
        """Return the spans of a text, and let the document know meanwhile what was read.

        source: the document's. text: the same with `...` in its holes. Raises what loading raises, and
        InvalidRequestError for a model that cannot read.
        """
        model = await self._load()
        return await self._thread.run(partial(self._score, model, document, source, text), Urgency.BACKGROUND) or ()

    async def fill(self, source: str, holes: Sequence[Hole]) -> tuple[FilledHole, ...]:
        """Return fillings for holes that belong together. Raises what loading and `fill_together` raise."""
        model, name = await self._load(), self.settings.sandbox
        open_sandbox = partial(self._tools.open_sandbox, name)
        return await self._thread.run(partial(fill_together, model, open_sandbox, source, holes), Urgency.ASKED)

    async def complete(self, source: str, offset: int) -> str | None:
        """Return what the model would write at a place. Raises what loading raises."""
        model = await self._load()

        def complete(stop: Stop) -> str | None:
            return complete_inline(model, source, offset, stop=stop)

        return await self._thread.run(complete, Urgency.TYPING)

    def try_again(self) -> None:
        """Load the model anew when it is next wanted, if it could not be loaded."""
        if self._model is not None and self._model.done() and self._model.exception() is not None:
            self._model = None

    async def _load(self) -> Model:
        if self._model is None:
            self._model = asyncio.create_task(self._open_model())
        return await asyncio.shield(self._model)

    async def _open_model(self) -> Model:
        name = self.settings.model
        async with self._announce(f"Dubito loads {name}"):
            return await self._thread.run(lambda stop: self._tools.open_model(name), Urgency.TYPING)

    def _score(
        self, model: Model, document: Document, source: str, text: str, stop: Stop
    ) -> tuple[UncertainSpan, ...] | None:
        scorer = document.scorer = document.scorer or SourceScorer(model)

        def look_on() -> bool:
            document.reading = Reading(source, scorer.tokens)
            return stop()

        return scorer.score(text, file=document.name, most=self.settings.most, stop=look_on)
