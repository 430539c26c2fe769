"""Files of runs, made for tests, and the commands that read them."""

from __future__ import annotations

from typer.testing import CliRunner

from agent.cli.app import app
from agent.trace import TraceWriter
from benchmarks.experiments.outcomes import ProblemOutcome

OUTCOME = ProblemOutcome(
    "t/0", "0", "x = 1", "accepted", "passed", "passed", 1, 10, 12, 30, 1, 1, 0.5, "visible", 0.9, doubt=1.0
)
OPTIONS = {"benchmark": "exercises", "model": "models/tiny", "policy": "greedy", "seed": 0}


def written(path, *records, head=(), **options):
    """Write the file of a run with these records and options; return its name. head: more facts of the first line."""
    writer = TraceWriter(path, {"options": {**OPTIONS, **options}, **dict(head)})
    writer.begin()
    for record in records:
        writer.write(record.KIND, record)
    writer.close()
    return str(path)


def dubito(*arguments):
    """Run a command; whatever it was given, it ends with an exit code and no traceback."""
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def refused(result, *sentences):
    """See that a command was refused as a wrong request, in one sentence that holds these."""
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 1 and result.stderr.startswith("dubito: "), result.stderr
    assert len(result.stderr) < 1_000 and "\x1b" not in result.stderr
    for sentence in sentences:
        assert sentence in result.stderr, result.stderr
