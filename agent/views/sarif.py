"""Write spans as SARIF 2.1.0, which code scanners and their viewers read. Prints nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

from agent.program.spans import CODES, FileSpans, Replacement, Severity, SourceLines, SpanKind, UncertainSpan
from agent.views.spans import say_span
from agent.views.text import clean

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_RULES = {
    SpanKind.UNCERTAIN: ("UncertainSpan", "The model would rather have written something else here."),
    SpanKind.HOLE: ("Hole", "This part is not to be trusted, or is still to be written."),
    SpanKind.FAILED: ("FailedExample", "An example ran this code and failed."),
    SpanKind.ABSTAINED: ("Abstained", "The run stands by no program."),
}
_AROUND = 60  # characters before the start of a span, and behind it, that its fingerprint holds


def write_sarif(files: Iterable[FileSpans], *, version: str, folder: Path) -> dict[str, Any]:
    """Return the log of one run as plain data. folder: paths below it become relative to it."""
    rules = [
        {"id": CODES[kind], "name": name, "shortDescription": {"text": text}} for kind, (name, text) in _RULES.items()
    ]
    driver = {"name": "dubito", "version": version, "rules": rules}
    results = [_describe(each, span, folder) for each in files for span in each.spans]
    run = {"tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _describe(scored: FileSpans, span: UncertainSpan, folder: Path) -> dict[str, Any]:
    artifact = {"uri": _write_uri(scored.file, folder)}
    region = _describe_region(scored.source, span)
    snippet = {"text": clean(scored.source[span.start : span.end])}
    entry: dict[str, Any] = {
        "ruleId": span.code,
        "ruleIndex": list(CODES.values()).index(span.code),
        "level": _LEVELS[span.severity],
        "message": {"text": say_span(scored.source, span)},
        "locations": [{"physicalLocation": {"artifactLocation": artifact, "region": {**region, "snippet": snippet}}}],
        "partialFingerprints": {"surroundingText/v1": _digest_surroundings(scored.source, span)},
    }
    if span.probability is not None:
        entry["rank"] = round(100 * (1 - span.probability), 2)  # SARIF ranks what matters most highest
        entry["properties"] = {"probability": span.probability, "isLearned": span.is_learned}
    if span.alternatives:
        entry["fixes"] = [_describe_fix(artifact, region, each) for each in span.alternatives]
    return entry


def _describe_region(source: str, span: UncertainSpan) -> dict[str, int]:
    lines = SourceLines(source)
    start, end = lines.utf16_position(span.start), lines.utf16_position(span.end)
    return {"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column}


def _describe_fix(artifact: dict[str, str], region: dict[str, int], alternative: Replacement) -> dict[str, Any]:
    replacement = {"deletedRegion": region, "insertedContent": {"text": alternative.text}}
    return {
        "description": {"text": f"Write `{clean(alternative.text)}` instead."},
        "artifactChanges": [{"artifactLocation": artifact, "replacements": [replacement]}],
    }


def _write_uri(file: str, folder: Path) -> str:
    path = (folder / file).resolve()
    inside = path.is_relative_to(folder.resolve())
    return quote_from_bytes(os.fsencode(path.relative_to(folder.resolve()))) if inside else path.as_uri()


def _digest_surroundings(source: str, span: UncertainSpan) -> str:
    """Return a digest of a span and the code around it without blanks, so that moved or indented code keeps it."""
    before, after = ("".join(part.split()) for part in (source[: span.start], source[span.start :]))
    text = "|".join([span.code, before[-_AROUND:], after[:_AROUND]])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
