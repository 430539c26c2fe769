"""The record of a hostile program, the limits it runs under, and a way to write attempts."""

from dataclasses import dataclass

from sandbox import Call, CallOutcome, Limits, Returned, Verdict

ASKED = (Call("answer"),)
NOTHING = (Returned([]),)

EVERYWHERE = ("docker", "bubblewrap", "process")
ISOLATED = ("docker", "bubblewrap")
DOCKER = ("docker",)

ROOMY = Limits(cpu_seconds=20, wall_seconds=20)
SHORT_CPU = Limits(cpu_seconds=0.1, wall_seconds=20)
SHORT_WALL = Limits(cpu_seconds=20, wall_seconds=0.2)
LITTLE_OUTPUT = Limits(cpu_seconds=20, wall_seconds=20, written_mib=1)
SMALL_VALUES = Limits(cpu_seconds=20, wall_seconds=20, values_mib=1)


@dataclass(frozen=True)
class Hostile:
    """A program, what is asked of it, and what must come of it. A sandbox that does not promise it never runs it."""

    program: str
    verdict: Verdict
    calls: tuple[Call, ...] = ()
    limits: Limits = ROOMY
    outcomes: tuple[CallOutcome, ...] | None = None  # what the calls must give, where that is fixed
    held: tuple[str, ...] = EVERYWHERE  # the sandboxes that promise it


def attempts(*sources, held=DOCKER, prelude=""):
    """A program that tries each source and answers with those that were not refused, of which there must be none.

    Only an OSError is a refusal: an attempt that fails otherwise was not made, and shows.
    """
    return Hostile(TRYING + prelude + f"\nTRIES = {sources!r}", Verdict.PASSED, ASKED, ROOMY, NOTHING, held)


TRYING = """
import ctypes, os, signal, socket
LIBC = ctypes.CDLL(None, use_errno=True)

def libc(name, *arguments):
    ctypes.set_errno(0)
    result = getattr(LIBC, name)(*arguments)
    if result == -1:
        raise OSError(ctypes.get_errno(), name)
    return result

def above(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])

SUPERVISOR = os.getppid()
SERVER = above(SUPERVISOR)

def answer():
    done = []
    for source in TRIES:
        try:
            exec(source, globals())
        except OSError:
            continue
        done.append(source)
    return done
"""
