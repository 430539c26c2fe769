"""The promises of every sandbox in SANDBOXES."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alike import alike
from hostile.base import ROOMY

from sandbox import Call, Expression, Limits, PlainError, Raised, Returned, SandboxError, Unplain, Verdict


def values(execution):
    assert execution.verdict is Verdict.PASSED, execution
    return [outcome.value for outcome in execution.outcomes]


def assert_works(sandbox):
    """A normal program passes, which shows that the one before it has left nothing in its way."""
    execution = sandbox.run("def double(x):\n    return 2 * x", calls=[Call("double", (21,))], limits=ROOMY)
    assert values(execution) == [42]


def test_a_script_passes_and_its_streams_come_back(sandbox):
    execution = sandbox.run("import sys; print(input()); print('oops', file=sys.stderr)", stdin="hello\n")
    assert (execution.verdict, execution.stdout, execution.stderr) == (Verdict.PASSED, "hello\n", "oops\n")
    assert not execution.truncated


def test_an_execution_is_measured(sandbox):
    execution = sandbox.run("x = bytearray(50 * 2**20)\nfor i in range(10**5): pass")
    assert execution.python.startswith("3.")
    assert execution.cpu_seconds > 0 < execution.wall_seconds
    assert execution.peak_memory_mib > 50


def test_the_main_guard_runs_in_a_script_and_not_when_calls_are_asked(sandbox):
    program = "ran = False\nif __name__ == '__main__':\n    ran = True\n    print('main')"
    assert sandbox.run(program).stdout == "main\n"
    assert values(sandbox.run(program, calls=[Expression("ran")])) == [False]


PLAIN = [
    [None, True, False, 0, -1, 2**53, 10**5000, -(2**70)],
    [0.1, -0.0, float("nan"), float("inf"), float("-inf"), 1e308, 5e-324, complex(1, -0.0), complex("nan+infj")],
    ["", "a\0b", "äöü", "\U0001f600", "\ud800", "\ud83d\ude00", b"", bytes(range(256))],
    [[], (), set(), frozenset(), {}, [[1], (2,)], {1, "1", (1,)}, {frozenset({1}): [{}]}, {None: (None,), 1.5: b"x"}],
]


@pytest.mark.parametrize("sent", PLAIN, ids=["numbers", "floats", "text", "containers"])
def test_plain_values_of_every_kind_go_in_and_come_back_the_same(sandbox, sent):
    program = "def same(x):\n    return x"
    returned = values(sandbox.run(program, calls=[Call("same", (value,)) for value in sent]))
    assert alike(returned, sent)


def test_each_call_has_its_own_copy_of_its_arguments(sandbox):
    shared = [1]
    program = "def grow(xs):\n    xs.append(2)\n    return xs"
    assert values(sandbox.run(program, calls=[Call("grow", (shared,))] * 2)) == [[1, 2], [1, 2]]
    assert shared == [1]


def test_calls_share_the_programs_namespace_in_order(sandbox):
    program = "seen = []\ndef see(x):\n    seen.append(x)"
    assert values(sandbox.run(program, calls=[Call("see", (1,)), Call("see", (2,)), Expression("seen")]))[-1] == [1, 2]


def test_a_call_that_raises_does_not_stop_the_others(sandbox):
    program = "import sys\ndef f(x):\n    return 1 / x"
    calls = [Call("f", (0,)), Call("g"), Expression("1 +"), Expression("sys.exit(3)"), Call("f", (1,))]
    execution = sandbox.run(program, calls=calls)
    assert execution.verdict is Verdict.PASSED
    assert execution.outcomes[:2] == (
        Raised("ZeroDivisionError", "division by zero"),
        Raised("NameError", "name 'g' is not defined"),
    )
    assert execution.outcomes[2].type == "SyntaxError"
    assert execution.outcomes[3:] == (Raised("SystemExit", "3"), Returned(1.0))


def test_values_of_any_other_type_are_not_plain(sandbox):
    program = (
        "class Liar:\n    def __eq__(self, other): return True\n    __class__ = int\n"
        "class Number(int): pass\nclass Row(list): pass\nloop = []\nloop.append(loop)"
    )
    sources = ["Liar()", "[Liar()]", "Number(3)", "Row()", "loop", "(i for i in ())", "Liar"]
    outcomes = sandbox.run(program, calls=[Expression(source) for source in sources]).outcomes
    assert outcomes == tuple(map(Unplain, ["Liar", "list", "Number", "Row", "list", "generator", "type"]))


def test_arguments_that_are_not_plain_are_refused_before_anything_runs(sandbox):
    with pytest.raises(PlainError, match="not plain data: object"):
        sandbox.run("", calls=[Call("f", (object(),))])


def test_an_exception_fails_the_program_with_the_programs_own_traceback(sandbox):
    execution = sandbox.run("def f():\n    raise ValueError('no')\n\nf()")
    assert execution.verdict is Verdict.FAILED
    assert execution.stderr == (
        'Traceback (most recent call last):\n  File "program.py", line 4, in <module>\n    f()\n'
        "  File \"program.py\", line 2, in f\n    raise ValueError('no')\nValueError: no\n"
    )


def test_a_failed_assertion_fails_the_program(sandbox):
    execution = sandbox.run("assert 1 + 1 == 3")
    assert (execution.verdict, execution.stderr.splitlines()[-1]) == (Verdict.FAILED, "AssertionError")


def test_source_that_does_not_compile_is_a_syntax_error_with_its_line(sandbox):
    execution = sandbox.run("x = 1\ny = (\n")
    assert execution.verdict is Verdict.SYNTAX_ERROR
    assert 'File "program.py", line 2' in execution.stderr


def test_when_a_limit_strikes_the_finished_outcomes_stay(sandbox):
    program = "def f(x):\n    while x: pass\n    return x"
    limits = Limits(cpu_seconds=0.2, wall_seconds=20)
    execution = sandbox.run(program, calls=[Call("f", (x,)) for x in (0, 0, 1, 0)], limits=limits)
    assert execution.verdict is Verdict.TIMED_OUT_CPU
    assert execution.outcomes == (Returned(0), Returned(0))


def test_head_and_tail_of_long_output_are_kept_and_marked_as_truncated(sandbox):
    execution = sandbox.run("print('start'); print('x' * 10**5); print('end')", limits=Limits(output_kib=1))
    assert execution.verdict is Verdict.PASSED
    assert execution.truncated
    assert execution.stdout.startswith("start\nxxx")
    assert execution.stdout.endswith("xxx\nend\n")
    assert len(execution.stdout) < 1100


def test_output_that_is_not_utf8_is_no_error(sandbox):
    execution = sandbox.run("import os; os.write(1, b'\\xff\\xfe ok')")
    assert (execution.verdict, execution.stdout) == (Verdict.PASSED, "\ufffd\ufffd ok")


SURVIVE = """
import ctypes, os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        ctypes.CDLL(None).prctl(15, b"{name}", 0, 0, 0)
        os.write(1, b"born")
        time.sleep(1e6)
    os._exit(0)
{then}
"""
NAMES = """
import glob
def names():
    found = []
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            found.append(open(path).read().strip())
        except OSError:
            pass  # that process has just ended
    return found
"""


@pytest.mark.parametrize("then", ["time.sleep(0.1)", "time.sleep(1e6)", "os._exit(0)"], ids=["ends", "hangs", "exits"])
def test_no_daemon_outlives_its_program(sandbox, then):
    name = f"stay{time.monotonic_ns() % 10**9}"
    sandbox.run(SURVIVE.format(name=name, then=then), limits=Limits(wall_seconds=0.2))
    (names,) = values(sandbox.run(NAMES, calls=[Call("names")], limits=ROOMY))
    assert "python3" in " ".join(names)
    assert name not in names


def test_a_fork_that_runs_to_its_end_does_not_answer_for_its_parent(sandbox):
    execution = sandbox.run("import os\nos.fork()\nx = 1", calls=[Expression("x")])
    assert values(execution) == [1]


def test_timeout_kills_child_processes(sandbox):
    program = "import os, time\nprint('alive')\nfor _ in range(4):\n    os.fork()\ntime.sleep(1e6)"
    execution = sandbox.run(program, limits=Limits(wall_seconds=0.5))
    assert execution.verdict is Verdict.TIMED_OUT_WALL
    assert "alive" in execution.stdout
    assert_works(sandbox)


def test_files_are_gone_when_the_next_program_runs(sandbox):
    program = "import os\nos.makedirs('a/b/c')\nopen('a/b/file', 'w').write('x')\nos.chmod('a', 0)"
    assert sandbox.run(program).passed
    assert values(sandbox.run("import os", calls=[Expression("os.listdir('.')")])) == [[]]


def test_the_programs_environment_holds_nothing_of_the_host(sandbox, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    sandbox.close()
    (names,) = values(sandbox.run("import os", calls=[Expression("sorted(os.environ)")]))
    assert names == ["HOME", "LANG", "MALLOC_ARENA_MAX", "OPENBLAS_NUM_THREADS", "PATH", "TMPDIR"]


def test_threads_that_share_a_sandbox_get_their_own_answers(sandbox):
    with ThreadPoolExecutor(4) as threads:
        executions = threads.map(lambda n: sandbox.run(f"print({n})", limits=ROOMY), range(12))
        assert [execution.stdout for execution in executions] == [f"{n}\n" for n in range(12)]


def test_a_closed_sandbox_starts_again(sandbox):
    sandbox.close()
    sandbox.close()
    assert_works(sandbox)


def test_neither_token_nor_calls_nor_nonce_is_in_memory_while_the_program_loads(sandbox):
    """The frames that are live when the program loads, and all they can reach by name."""
    program = (
        "import sys\nseen, frame = [], sys._getframe()\n"
        "while frame:\n    seen += [f'{k}={v!r}'[:300] for k, v in frame.f_locals.items() if k != 'seen']\n"
        "    frame = frame.f_back\n"
        "found = [s for s in seen if 'nee' + 'dle' in s or 'non' + 'ce' in s or 'tok' + 'en' in s]"
    )
    assert values(sandbox.run(program, calls=[Expression("found"), Expression("'needle'")]))[0] == []


def test_a_sandbox_error_is_not_a_verdict():
    assert not issubclass(SandboxError, ValueError)
    assert "error" not in {verdict.value for verdict in Verdict} - {"syntax error"}


def test_the_process_sandbox_leaves_no_directory_behind(tmp_path, monkeypatch):
    from sandbox.process import ProcessSandbox

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sandbox = ProcessSandbox()
    assert sandbox.run("open('left', 'w').write('x')").passed
    assert len(list(Path(tmp_path).iterdir())) == 1
    sandbox.close()
    assert list(Path(tmp_path).iterdir()) == []


def test_the_process_sandbox_warns_once(caplog, monkeypatch):
    from sandbox.process import ProcessSandbox

    monkeypatch.setattr(ProcessSandbox, "_warned", False)
    for _ in range(2):
        ProcessSandbox().close()
    assert [record.message.split(":")[0] for record in caplog.records] == ["the process sandbox does not isolate"]


ORDER = "order = ''.join({*'abcdefgh'})\ndef answer(): return order"


def test_sets_of_text_have_the_order_of_the_hash_seed(sandbox):
    def order(seed):
        execution = sandbox.run(ORDER, calls=[Call("answer")], limits=Limits(wall_seconds=60, hash_seed=seed))
        assert execution.passed, execution
        return execution.outcomes[0].value

    assert order(0) == order(0) and order(1) == order(1)
    assert len({order(seed) for seed in range(5)}) > 1


@pytest.mark.parametrize(
    ("program", "verdict"), [("def f(:", Verdict.SYNTAX_ERROR), ("x = bytearray(10**10)", Verdict.OUT_OF_MEMORY)]
)
def test_verdicts_are_the_same_under_another_hash_seed(sandbox, program, verdict):
    limits = Limits(wall_seconds=60, hash_seed=7)
    assert sandbox.run(program, limits=limits).verdict is verdict
    assert sandbox.run("import json\nprint(json.dumps(input()))", stdin="x", limits=limits).stdout == '"x"\n'
