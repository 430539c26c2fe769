"""Check that a module runs by itself in the sandbox, whatever its unwritten function does. Judges no program."""

from __future__ import annotations

from agent.errors import InvalidRequestError
from agent.messages import first_sentence
from agent.program.modules.module import UNWRITTEN, Module
from sandbox.base import Expression, Limits, Sandbox, Verdict


def check_module_loads(sandbox: Sandbox, module: Module, limits: Limits | None = None) -> None:
    """Raise InvalidRequestError where a module fails as it is: no program could pass in it. Takes one sandbox run.

    A module that fails because it calls the unwritten function loads as far as anybody can know.
    """
    execution = sandbox.run(module.empty(), calls=[Expression("None")], limits=limits or Limits())
    if execution.passed or UNWRITTEN in execution.stderr:
        return
    lines = [line for line in execution.stderr.splitlines() if line.strip()]
    reason = lines[-1] if lines and execution.verdict is Verdict.FAILED else f"it {execution.verdict}"
    raise InvalidRequestError(
        f"{module.file} does not run by itself in the sandbox ({first_sentence(reason)}), so no function of it can be "
        "checked there; the sandbox has the standard library and this one file, so move the function to a file that "
        "needs no more"
    )
