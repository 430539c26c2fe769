"""Source is parsed without warnings, in any number of threads."""

import ast
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

from agent.program import syntax
from agent.program.syntax import parse


def test_threads_that_read_source_leave_the_filters_of_warnings_as_they_were(monkeypatch):
    pauses = iter((0.001, 0.002, 0.004, 0.001) * 5)

    def parse_slowly(source):
        time.sleep(next(pauses))  # so that threads overlap, unless one waits for another
        return ast.Module([], [])

    before = list(warnings.filters)
    with monkeypatch.context() as patch, ThreadPoolExecutor(4) as pool:
        patch.setattr(syntax.ast, "parse", parse_slowly)
        list(pool.map(parse, ["x"] * 20))
    after = list(warnings.filters)
    warnings.filters[:] = before
    assert after == before
