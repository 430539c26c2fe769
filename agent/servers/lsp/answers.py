"""Write what the client is shown of a document: diagnostics, actions, hovers. Pure functions of its state."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from lsprotocol import types

from agent.program.spans import Severity, SpanKind, UncertainSpan
from agent.servers.lsp.carrying import compare_texts
from agent.servers.lsp.documents import Document
from agent.views.markdown import quote_code
from agent.views.numbers import format_probability
from agent.views.spans import say_span
from agent.views.text import format_code

FILL_COMMAND = "dubito.fill"
_SOURCE = "dubito"
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}
_FRAGMENT = "\ufffd"  # stands for a token that holds only some bytes of a character
_LONGEST = 60  # characters of code in a title


class Hover(NamedTuple):
    """What is said of a token, as Markdown, and where it stands."""

    text: str
    range: types.Range


def list_diagnostics(document: Document) -> list[types.Diagnostic]:
    """Return what is in doubt in a document."""
    diagnostics = [_describe_span(document, span) for span in document.spans]
    if document.problem is not None:
        place = document.range(document.problem.offset, document.problem.offset)
        severity = types.DiagnosticSeverity.Information
        diagnostics.append(types.Diagnostic(place, document.problem.sentence, severity, source=_SOURCE))
    return diagnostics


def list_actions(document: Document, wanted: types.Range, *, versioned: bool) -> list[types.CodeAction]:
    """Return the changes that can be made in a range: alternatives and fillings, the likeliest of each span first.

    versioned: the client takes edits of one version of a document.
    """
    start, end = document.offset(wanted.start), document.offset(wanted.end)
    actions = list[types.CodeAction]()
    for span in document.spans:
        if span.start <= end and start <= span.end:
            actions += _list_span_actions(document, span, versioned)
    return actions


def write_replacement(document: Document, span: UncertainSpan, text: str, *, versioned: bool) -> types.WorkspaceEdit:
    """Return the edit that puts a text in the place of a span. versioned: as in `list_actions`."""
    edit = types.TextEdit(document.range(span.start, span.end), document.write(text))
    if not versioned:
        return types.WorkspaceEdit({document.uri: [edit]})
    identifier = types.OptionalVersionedTextDocumentIdentifier(document.uri, document.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identifier, [edit])])


def describe_token(document: Document, position: types.Position) -> Hover | None:
    """Return what the model expected at a token that it has read.

    None where it has not read that far, where the text has changed, and where it expected nothing else.
    """
    reading, at = document.reading, document.offset(position)
    if reading is None:
        return None
    change = compare_texts(reading.text, document.source)
    old = change.find_old(at)
    number = -1 if old is None else bisect_right(reading.tokens, old, key=lambda token: token.start) - 1
    if old is None or not 0 <= number < len(reading.tokens) - 1:
        return None
    token, following = reading.tokens[number], reading.tokens[number + 1].start
    written = reading.text[token.start : following]
    start, end = change.find_new(token.start), change.find_new(following - 1)
    expected = [each for each in token.expected if _FRAGMENT not in each[0]]
    if start is None or end is None or not written.strip() or not expected:
        return None
    others = "\n".join(f"- {_show(text)} {format_probability(probability)}" for text, probability in expected)
    chance = format_probability(math.exp(-token.surprisal))
    sentence = f"Dubito: the model gives {_show(written)} a probability of {chance} here; it expected"
    blanks = len(written) - len(written.lstrip())
    return Hover(f"{sentence}\n\n{others}", document.range(start + blanks, start + len(written.rstrip())))


def _list_span_actions(document: Document, span: UncertainSpan, versioned: bool) -> Iterator[types.CodeAction]:
    diagnostics, is_hole = [_describe_span(document, span)], span.kind == SpanKind.HOLE
    if is_hole and not span.alternatives:
        title = "Dubito: fill the hole"
        command = types.Command(title, FILL_COMMAND, arguments=[document.uri, span.start])
        yield types.CodeAction(title, types.CodeActionKind.QuickFix, diagnostics=diagnostics, command=command)
    for text, probability in span.alternatives:
        edit = write_replacement(document, span, text, versioned=versioned)
        verb = "fill with" if is_hole else "replace by"
        title = f"Dubito: {verb} {format_code(text, _LONGEST)} ({format_probability(probability)})"
        yield types.CodeAction(title, types.CodeActionKind.QuickFix, diagnostics=diagnostics, edit=edit)


def _describe_span(document: Document, span: UncertainSpan) -> types.Diagnostic:
    return types.Diagnostic(
        document.range(span.start, span.end), say_span(document.source, span), _SEVERITIES[span.severity], span.code,
        source=_SOURCE,
    )  # fmt: skip


def _show(text: str) -> str:
    """Return code in Markdown. Blanks around it do not matter, unless there is nothing else."""
    return quote_code(format_code(text.strip() or text))
