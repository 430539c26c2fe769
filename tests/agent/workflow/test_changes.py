"""A request for a change is not met by the program as it was, whatever is said about it in comments."""

from contextlib import closing
from dataclasses import replace

import pytest
from trie import TrieLM

from agent.decoding import POLICIES
from agent.program.failures import FailureKind
from agent.program.task import read_task
from agent.search.frontier import ONE_PROGRAM
from agent.workflow.context import Context
from agent.workflow.run import run_task
from sandbox import open_sandbox

PROMPT = 'def f(x):\n    """Add one.\n    >>> f(1)\n    2\n    """'
BEFORE = f"{PROMPT}\n    return x + 1\n"


@pytest.mark.parametrize(
    ("body", "asked", "kept"),
    [
        ("\n    return x + 1\n", "", True),
        ("\n    # also of nothing\n    return x + 1  # done\n", "", True),
        ("\n    # also of nothing\n    return x + 1  # done\n", "# Add a comment.\n", False),
        ("\n    return (x or 0) + 1\n", "", False),
    ],
)
def test_comments_change_a_program_only_where_they_were_asked_for(body, asked, kept):
    task = read_task(PROMPT)
    task = replace(task, request=asked + task.request, changes=BEFORE)
    with closing(open_sandbox("process")) as box:
        context = Context(TrieLM({body: 1.0}).model(), POLICIES["greedy"], box, max_tokens=128)
        best = run_task(context, task, config=ONE_PROGRAM).best
    assert [each.kind for each in best.failures] == ([FailureKind.UNCHANGED] if kept else [])
