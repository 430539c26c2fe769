"""Where the answer of a run goes besides the view: to stdout as a program or a diff, and into a file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.cli.exits import EXIT_CODES, ExitCode
from agent.cli.writing import Confirm, check_write, find_confirm, is_same_file, plan_answer, write_edit
from agent.errors import DubitoError, InvalidRequestError
from agent.files.edits import Edit
from agent.messages import quote
from agent.views.say import complain, is_watched, say, write_data

if TYPE_CHECKING:
    from agent.workflow.run import Result


@dataclass(frozen=True, slots=True)
class Destination:
    """The options that say where the answer goes."""

    file: Path | None  # that the request came from
    diff: bool
    write: Path | None
    yes: bool
    as_json: bool
    quiet: bool = False  # nothing is said but errors, and what a question is about

    @classmethod
    def take(cls, options: dict[str, Any]) -> Destination:
        """Return the record of these options; others in the dict are left out."""
        return cls(**{field.name: options[field.name] for field in fields(cls)})

    @property
    def edits(self) -> bool:
        """The file of the request is to be changed, or its difference shown."""
        if self.file is None or self.write is None:
            return self.file is not None and self.diff
        return is_same_file(self.file, self.write)

    def check(self) -> None:
        """Refuse what no answer could be compared with or written into, before there is an answer."""
        if self.diff and self.file is None and self.write is None:
            raise InvalidRequestError("--diff came without a file to compare with; add --file FILE or --write FILE")
        if self.write is not None:
            check_write(self.write, yes=self.yes, asks=self._find_confirm() is not None)

    def give(self, result: Result, code: ExitCode) -> None:
        """Print the program where the view is elsewhere, or the diff, and write the file. An abstention gives nothing.

        code: the run's exit code; only an answer with OK is written.
        """
        if not _is_accepted(result):
            from agent.views.sentences import explain_abstention

            self._say_unwritten(explain_abstention(result))
            if self.quiet and self.write is None:
                complain(f"abstained: {explain_abstention(result)}")
            return
        if not self.diff and not is_watched():
            write_data(_write_program(result), nl=False)
        if self.diff:
            write_data(self._plan(result).diff, nl=False)
        if code != ExitCode.OK:
            self._say_unwritten(f"the answer is {result.standing}, and --accept names what is written")
        elif self.write is not None:
            shows = not self.diff and not (self.quiet and self.yes)
            write_edit(self._plan(result), yes=self.yes, confirm=self._find_confirm(), shows=shows, quiet=self.quiet)

    def record(self, result: Result, code: ExitCode) -> dict[str, Any]:
        """Write the file, and return what --json says of it: a file that cannot be written costs no answer."""
        module = result.task.module
        record: dict[str, Any] = {"module": None, "diff": None, "written": False, "exit_code": code}
        if not _is_accepted(result):
            return record
        try:
            if module is not None:
                text = _write_program(result)
                record["module"] = {"file": module.file, "function": module.function, "text": text}
            if self.diff or self.write is not None:
                edit = self._plan(result)
                record["diff"] = edit.diff
                if self.write is not None and code == ExitCode.OK:
                    record["written"] = write_edit(edit, yes=self.yes, shows=False)
        except DubitoError as error:
            code = next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)
            record |= {"error": str(error), "exit_code": code}
        return record

    def _plan(self, result: Result) -> Edit:
        target = self.write or self.file
        assert target is not None, "an answer is compared with a file"
        return plan_answer(target, result.task, result.best.program)

    def _find_confirm(self) -> Confirm | None:
        """Return the way to ask a person; None where nobody is there."""
        return None if self.as_json else find_confirm()

    def _say_unwritten(self, reason: str) -> None:
        if self.write is not None:
            say(f"nothing was written to {quote(self.write)}: {reason}", err=True)


def _write_program(result: Result) -> str:
    from agent.program.modules.answers import write_program

    return write_program(result.task, result.best.program)


def _is_accepted(result: Result) -> bool:
    from agent.records import RunOutcome

    return result.outcome == RunOutcome.ACCEPTED
