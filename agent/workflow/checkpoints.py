"""Checkpoints as JSON: what LangGraph keeps of a run, as bytes and back."""

from __future__ import annotations

from typing import Any

from langgraph.types import Interrupt

from agent.decoding.ask import Preview
from agent.decoding.step import Candidate
from agent.workflow.record_json import FORMAT, RECORDS, ForeignCheckpointError, dump_records, load_records

_RECORDS = {**RECORDS, "Candidate": Candidate, "Preview": Preview, "Interrupt": Interrupt}


class RecordSerializer:
    """Turns what LangGraph keeps of a run into JSON and back. A list inside a record is read as a tuple."""

    def dumps_typed(self, value: Any) -> tuple[str, bytes]:
        """Return the format's name and the value as JSON."""
        return FORMAT, dump_records(value, _RECORDS)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return the value that these bytes hold. Raises ForeignCheckpointError for another version's."""
        form, text = data
        if form != FORMAT:
            raise ForeignCheckpointError(f"the checkpoint's format is {form}")
        return load_records(text, _RECORDS)
