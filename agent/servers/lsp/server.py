"""The language server: what it answers, and when a document is scored. The model works in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.workspace import PositionCodec

from agent.messages import flatten
from agent.program.failures import describe_failure
from agent.program.holes import Hole
from agent.program.spans import SpanKind, UncertainSpan
from agent.servers.lsp.answers import FILL_COMMAND, describe_token, list_actions, list_diagnostics, write_replacement
from agent.servers.lsp.documents import Document
from agent.servers.lsp.filling import list_together
from agent.servers.lsp.findings import describe_hole, examine, join_spans
from agent.servers.lsp.model_work import EditorTools, ModelWork, Settings
from agent.servers.lsp.options import read_options
from agent.servers.lsp.progress import show_progress
from agent.servers.lsp.wire import Protocol, Streams, TextSync
from agent.servers.wire import end_process
from agent.workflow.filled import FilledHole

if TYPE_CHECKING:
    from pygls.server import ServerErrors

_Outcome = TypeVar("_Outcome")
_PATIENCE = 0.4  # seconds without a change after which a text is scored
_PAUSE = 0.2  # seconds without a change after which code is completed that nobody has asked for
_AUTOMATIC = types.InlineCompletionTriggerKind.Automatic


class DubitoServer(LanguageServer):
    """Answers one client about its open Python files."""

    protocol: Protocol

    def __init__(self, version: str, settings: Settings, tools: EditorTools) -> None:
        super().__init__("dubito", version, protocol_cls=Protocol, max_workers=2)
        self._documents, self._explain = dict[str, Document](), tools.explain
        self._work = ModelWork(settings, tools, partial(show_progress, self))
        self._shown = set[str]()
        self.protocol.sync = TextSync(self._open, self._change, self._close)
        self.protocol.complain = self._log
        self._register()

    def serve(self, streams: Streams) -> None:
        """Answer until the client ends the process, or closes its side."""
        logging.getLogger("pygls").setLevel(logging.CRITICAL)  # it logs what the client is told, with a traceback
        self.start_io(streams.source, streams.sink)
        end_process(0)

    def report_server_error(self, error: Exception, source: ServerErrors) -> None:
        """Say what could not be answered, where the answer itself does not say it."""
        self._log(f"a message could not be answered: {type(error).__name__}: {error}")

    def _register(self) -> None:
        kinds = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix])
        features: dict[str, tuple[Callable[..., Any], Any]] = {
            types.INITIALIZE: (self._initialize, None),
            types.TEXT_DOCUMENT_DID_SAVE: (self._save, None),
            types.TEXT_DOCUMENT_HOVER: (self._hover, None),
            types.TEXT_DOCUMENT_CODE_ACTION: (self._list_actions, kinds),
            types.TEXT_DOCUMENT_INLINE_COMPLETION: (self._complete, types.InlineCompletionOptions()),
        }
        for name, (function, options) in features.items():
            self.feature(name, options)(partial(function))  # pygls sets attributes, which a method does not take
        self.command(FILL_COMMAND)(partial(self._fill))

    def _initialize(self, params: types.InitializeParams) -> None:
        self._work.settings, complaints = read_options(params.initialization_options, self._work.settings)
        for sentence in complaints:
            self._show(sentence)

    def _open(self, params: types.DidOpenTextDocumentParams) -> None:
        item = params.text_document
        if item.language_id != "python":
            return
        self._close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(item.uri)))
        codec = PositionCodec(self.server_capabilities.position_encoding)
        document = self._documents[item.uri] = Document(item.uri, item.version, item.text, codec)
        self._work.try_again()
        self._start(document, self._refresh(document, 0))

    def _change(self, params: types.DidChangeTextDocumentParams) -> None:
        document = self._documents.get(params.text_document.uri)
        if document is not None:
            document.cancel()
            document.change(params.text_document.version, params.content_changes)
            self._start(document, self._refresh(document, _PATIENCE))

    def _save(self, params: types.DidSaveTextDocumentParams) -> None:
        document = self._documents.get(params.text_document.uri)
        if document is not None and not document.is_scored:
            document.cancel()
            self._work.try_again()
            self._start(document, self._refresh(document, 0))

    def _close(self, params: types.DidCloseTextDocumentParams) -> None:
        document = self._documents.pop(params.text_document.uri, None)
        if document is not None:
            document.cancel()
            self._publish(Document(document.uri, document.version, "", document.codec))

    def _hover(self, params: types.HoverParams) -> types.Hover | None:
        document = self._documents.get(params.text_document.uri)
        hover = document and describe_token(document, params.position)
        if not hover:
            return None
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, hover.text), hover.range)

    def _list_actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        document = self._documents.get(params.text_document.uri)
        return list_actions(document, params.range, versioned=self._takes_versions) if document else []

    async def _complete(self, params: types.InlineCompletionParams) -> types.InlineCompletionList | None:
        document = self._documents.get(params.text_document.uri)
        if document is None:
            return None
        offset, is_typing = document.offset(params.position), params.context.trigger_kind == _AUTOMATIC
        try:
            text = await self._start(document, self._write_on(document, offset, _PAUSE if is_typing else 0))
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task and task.cancelling():  # by the client
                raise
            return None  # the text has changed
        if not text:
            return None
        item = types.InlineCompletionItem(document.write(text), range=types.Range(params.position, params.position))
        return types.InlineCompletionList([item])

    def _fill(self, uri: str = "", start: int = -1) -> None:
        document = self._documents.get(uri)
        if document is not None:
            self._start(document, self._fill_hole(document, start))

    async def _refresh(self, document: Document, patience: float) -> None:
        """Score a document, and publish what was found: its holes at once, its spans when they are there.

        patience: seconds to wait first; more than none while a person types, who is not told that a line is unfinished.
        """
        await asyncio.sleep(patience)
        source = document.source
        examination = await asyncio.to_thread(examine, source, document.name)
        if examination.problem and patience:
            return
        known = {(span.start, span.end): span for span in document.spans if span.kind == SpanKind.HOLE}
        described = [describe_hole(source, hole, document.name) for hole in examination.holes]
        holes = [known.get((span.start, span.end), span) for span in described]
        document.problem, document.spans = examination.problem, join_spans(holes, document.spans)
        self._publish(document)
        if examination.problem is None:
            is_new = document.reading is None
            async with show_progress(self, f"Dubito reads {document.name}") if is_new else nullcontext():
                spans = await self._work.score(document, source, examination.text)
            document.spans, document.is_scored = join_spans(holes, spans), True
            self._publish(document)

    async def _write_on(self, document: Document, offset: int, patience: float) -> str | None:
        await asyncio.sleep(patience)
        return await self._work.complete(document.source, offset)

    async def _fill_hole(self, document: Document, start: int) -> None:
        """Let the model fill a hole, and those that belong to it; write the best filling into the one asked for."""
        source = document.source
        holes = (await asyncio.to_thread(examine, source, document.name)).holes
        hole = next((each for each in holes if each.start == start), None)
        if hole is None:
            return
        async with show_progress(self, f"Dubito fills the hole in line {hole.line}"):
            filled = await self._work.fill(source, list_together(source, holes, hole))
        spans = {each.hole: describe_hole(source, each.hole, document.name, each) for each in filled}
        described = [spans.get(each) or describe_hole(source, each, document.name) for each in holes]
        document.spans = join_spans(described, document.spans)
        self._publish(document)
        if sentence := self._offer(document, hole, filled, spans.get(hole)):
            self._show(f"line {hole.line} of {document.name}: {sentence}")

    def _offer(self, document: Document, hole: Hole, filled: Iterable[FilledHole], span: UncertainSpan | None) -> str:
        """Write the best filling into a hole, unless it is known to be wrong. Return what is to be said of it."""
        best = next((each.best for each in filled if each.hole == hole), None)
        if span is None or best is None:
            return "no filling was found that fits the hole"
        if best.failure is not None:
            return (
                f"no filling passes the examples, so none was written; with the best, {describe_failure(best.failure)}"
            )
        edit = write_replacement(document, span, span.alternatives[0].text, versioned=self._takes_versions)
        self.workspace_apply_edit(types.ApplyWorkspaceEditParams(edit, label="Dubito: fill the hole"))
        return ""

    def _start(self, document: Document, work: Coroutine[Any, Any, _Outcome]) -> asyncio.Task[_Outcome | None]:
        """Begin work on the latest text of a document, which ends where the text changes."""
        task = asyncio.create_task(self._report_errors(work))
        document.tasks.add(task)
        task.add_done_callback(document.tasks.discard)
        return task

    async def _report_errors(self, work: Coroutine[Any, Any, _Outcome]) -> _Outcome | None:
        """Do work; say once what goes wrong in it."""
        try:
            return await work
        except BrokenPipeError:
            end_process(0)
        except Exception as error:  # noqa: BLE001 - the server answers on, whatever happens to one document
            sentence = self._explain(error)
            if sentence not in self._shown:
                self._shown.add(sentence)
                self._show(sentence)
        return None

    @property
    def _takes_versions(self) -> bool:
        """The client takes edits of one version of a document."""
        workspace = self.client_capabilities.workspace
        return bool(workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes)

    def _publish(self, document: Document) -> None:
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, list_diagnostics(document), document.version)
        )

    def _show(self, sentence: str) -> None:
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, f"Dubito: {sentence}"))

    def _log(self, sentence: str) -> None:
        self.window_log_message(types.LogMessageParams(types.MessageType.Warning, flatten(sentence)))
