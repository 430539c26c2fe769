"""Write the prompt that also shows how the lines written so far run on a visible example. Chooses no token."""

from __future__ import annotations

from agent.errors import BudgetSpentError
from agent.program.examples.example import Example, list_earlier_code
from agent.program.prompts import add_trace
from agent.program.runnable import cut_to_runnable
from agent.records import LastTrace
from agent.verification.value_trace import describe_trace, trace_values
from agent.workflow.context import Context
from agent.workflow.state import AgentState
from agent.workflow.text import read_open_program


class TracedPrompts:
    """Writes the traced prompts of the attempt in progress. The lines of `last` are not run again."""

    def __init__(self, context: Context, state: AgentState) -> None:
        self._context, self._task, self._prompt = context, state.task, state.prompt
        self.last: LastTrace | None = state.current.trace

    def __call__(self, text: str) -> tuple[int, ...] | None:
        """Return the ids of the prompt with a trace of this completion; None where its lines cannot run yet."""
        trace = self._trace(text) if self._task.examples else ""
        if not trace:
            return None
        user = add_trace(self._prompt.text, trace, self._context.model.prompt_style)
        return tuple(self._context.model.encode_prompt(user, self._prompt.opening))

    def _trace(self, text: str) -> str:
        program = cut_to_runnable(read_open_program(self._context, self._task, self._prompt, text))
        if program is None:
            return ""
        if self.last is None or self.last.program != program:
            self.last = LastTrace(program, self._run(program, self._task.examples[0]))
        return self.last.text

    def _run(self, program: str, example: Example) -> str:
        """Return the trace of a program on the input of an example; empty where no line behind its head ran."""
        context, source = self._context, "\n".join(example.expressions)
        before = list_earlier_code(self._task.examples, 0)
        try:
            trace = trace_values(context.sandbox, self._task.runnable(program), before, source, context.limits)
        except BudgetSpentError:
            return ""  # the model's next forward ends the attempt, if no time is left
        trace = trace and trace.move_lines(lambda line: self._task.find_program_lines(program, [line]))
        return describe_trace(trace, program, source) if trace and len(trace.runs) > 1 else ""
