"""From names to parts: policy, model, sandbox, threads. What cannot be had is said in one sentence."""

from __future__ import annotations

import hashlib
import math
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.errors import InfrastructureError, UsageError

if TYPE_CHECKING:
    from agent.decoding import Policy
    from agent.examples import Check
    from agent.hf import HFLM
    from agent.learned import Learned
    from agent.search import Plan
    from agent.state import Task
    from sandbox.base import Sandbox

EMBEDDED = "models/tiny"
DEVIATION = "std="  # opens a threshold that bounds std(p)
_ENDS = 2**20  # bytes of a file's beginning and end that stand for the whole


def policy_named(
    name: str, *, model: str, threshold: str | None = None, ask: bool = False, learned: bool = False
) -> Policy:
    """Return a policy, its threshold and its resolver replaced on request.

    learned: where no threshold is asked for, take the one that was learned or published for this model, if any.
    """
    from agent.decoding import POLICIES
    from agent.decoding.ask import Ask
    from agent.decoding.policies import ADADEC

    if name not in POLICIES:
        raise UsageError(f"unknown policy {name!r}; choose from {', '.join(sorted(POLICIES))}")
    policy = POLICIES[name]
    if ask:
        policy = replace(policy if math.isfinite(policy.gate.threshold) else ADADEC, resolver=Ask())
    return with_threshold(policy, threshold, model, learned=learned)


def with_threshold(policy: Policy, wanted: str | None, model: str, *, learned: bool = False) -> Policy:
    """Return the policy with the threshold asked for, a number or a file of this model; else learned, or as it is."""
    from agent import calibrations

    if not math.isfinite(policy.gate.threshold):
        if wanted is None:
            return policy
        raise UsageError("this policy never pauses, so it takes no threshold; choose adadec or uscd, or leave it out")
    score, threshold = policy.gate.score, policy.gate.threshold
    if wanted is not None and wanted.startswith(DEVIATION):
        threshold = _of_deviation(wanted, model, score)
    elif wanted is not None:
        threshold = calibrations.threshold_from(wanted, model=model, weights=weights_of(model), score=score)
    elif learned and (found := calibrations.of_model(model, weights_of(model), score)):
        threshold = found.threshold
    if math.isnan(threshold) or threshold == -math.inf:
        raise UsageError("the threshold is not a number; give one in nats, as in --threshold 1.0, or inf for no pause")
    return replace(policy, gate=replace(policy.gate, threshold=threshold))


def _of_deviation(wanted: str, model: str, score: str) -> float:
    """Return the collision entropy that a bound on std(p) is for this model's vocabulary: the gate of USCD's code."""
    from agent.hub import vocabulary_of
    from uncertainty import collision_of_deviation

    if score != "collision":
        raise UsageError(f"{wanted} came, and this policy pauses by {score}; a bound on std(p) goes with uscd")
    try:
        deviation = float(wanted.removeprefix(DEVIATION))
    except ValueError:
        deviation = math.nan
    if not 0 <= deviation <= 1:
        raise UsageError(f"{wanted} came; wanted a standard deviation of probabilities, as in {DEVIATION}0.0035")
    return collision_of_deviation(deviation, vocabulary_of(model))


def check_tau(tau: float) -> None:
    """Raise UsageError for a tau that is no probability above 0."""
    if not 0 < tau <= 1:
        raise UsageError(f"tau is {tau}; wanted 0 < tau <= 1, where a smaller one trusts more of the program (try 0.1)")


def plan_named(budget: str, order: str, min_probability: float, *, ask: bool) -> Plan:
    """Return how to search: within this budget, in this order."""
    from agent.budget import budget_from
    from agent.orders import ORDERS
    from agent.search import Plan

    if order not in ORDERS:
        raise UsageError(f"unknown order {order!r}; choose from {', '.join(ORDERS)}")
    return Plan(budget_from(budget), order, questions=3 if ask else 0, min_probability=min_probability)


def learned_of(model: str) -> Learned | None:
    """Return what was learned of searching with this model, by the user or by who made it; None where nothing was."""
    from agent import learned

    return learned.of_model(model, weights_of(model), _folder(model))


def model_named(name: str, *, device: str | None = None, dtype: str = "auto", prompt_format: str = "auto") -> HFLM:
    """Load a model that knows text. The embedded one is found from any folder.

    prompt_format: chat, completion, or auto, which decides by the model's files.
    """
    from agent.hf import HFLM

    place = str(_folder(name)) if name == EMBEDDED else name
    lm = HFLM.from_pretrained(place, device=device, dtype=dtype, prompt_format=prompt_format)
    if lm.tokenizer is None:
        raise UsageError(
            f"the model {name!r} has no tokenizer beside it, and text is wanted; save one there with save_pretrained"
        )
    lm.chats  # noqa: B018 - a chat template that does not work is said before anything is asked
    return lm


def _folder(name: str) -> Path:
    """Return where a local model lies; the embedded one is found from anywhere."""
    beside_us = Path(__file__).resolve().parent.parent / EMBEDDED
    return beside_us if name == EMBEDDED and not Path(name).exists() else Path(name)


def weights_of(name: str) -> str:
    """Return a digest that tells a local model's weights from others; empty for a hub's, of which the name is known."""
    digest = hashlib.sha256()
    try:
        files = sorted(_folder(name).glob("*.safetensors"))
        for file in files:
            with file.open("rb") as bytes_of:
                digest.update(bytes_of.read(_ENDS))
                bytes_of.seek(max(0, file.stat().st_size - _ENDS))
                digest.update(bytes_of.read())
    except OSError:  # loading the model will say what is wrong with it
        return ""
    return digest.hexdigest()[:12] if files else ""


def sandbox_named(name: str | None, *, workers: int = 1, memory_mib: int | None = None) -> Sandbox:
    """Start a sandbox: docker, else bubblewrap, where no name is given."""
    from sandbox import SandboxUnavailable, open_sandbox

    try:
        return open_sandbox(name, workers=workers, memory_mib=memory_mib)
    except ValueError as error:
        raise UsageError(str(error)) from error
    except SandboxUnavailable as error:
        raise InfrastructureError(str(error)) from error


def task_from(
    request: str | None, file: Path | None, tests: Path | None, *, name: str = "", entry_point: str | None = None
) -> Task:
    """Return the task of a request or a file, with its visible examples and those of a test file."""
    from agent import prompts
    from agent.examples import unread_examples, visible_checks
    from agent.state import Task

    text = request if file is None else text_of(file, "the prompt")
    if text is None or not text.strip():
        raise UsageError("nothing was asked for; give a sentence, --file prompt.py or --task HumanEval/0")
    if file is None and text.endswith(".py") and len(text.split()) == 1:
        raise UsageError(f"{text!r} is the name of a file, and a sentence was wanted; give it as --file {text}")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError("the request is not UTF-8 text; give it in UTF-8, or in a file")
    checks = visible_checks(text)
    unread = unread_examples(text, checks)
    if tests is not None:
        checks += _asserts_of(tests)
    said = name or (str(file) if file else "your sentence")
    return Task(text, tuple(checks), entry_point or prompts.entry_point(text), said, tuple(unread))


@contextmanager
def threads(folder: Path | None = None) -> Iterator[Any]:
    """Open the store of named runs: sqlite, one file in the user's state folder."""
    from langgraph.checkpoint.sqlite import SqliteSaver
    from platformdirs import user_state_path

    place = folder or user_state_path("dubito")
    advice = f"cannot keep threads in {str(place)!r}; free some space or set XDG_STATE_HOME"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InfrastructureError(f"{advice} ({error.strerror})") from error
    try:
        with SqliteSaver.from_conn_string(str(place / "threads.sqlite")) as saver:
            yield saver
    except sqlite3.Error as error:
        raise InfrastructureError(f"{advice} ({error})") from error


def _asserts_of(tests: Path) -> list[Check]:
    from agent.examples import NotSeparableError, asserts

    try:
        checks = asserts(text_of(tests, "the tests"))
    except SyntaxError as error:
        raise UsageError(f"{tests}:{error.lineno}: this is no valid Python; wanted a file of asserts") from error
    except NotSeparableError as error:
        raise UsageError(f"{tests}:{error}") from error
    if not checks:
        raise UsageError(f"{str(tests)!r} holds no assert; wanted lines such as `assert f(1) == 2`")
    return checks


def text_of(path: Path, what: str) -> str:
    """Return a file's text. Raises UsageError; `what` is what it was wanted for."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{what} should come from {str(path)!r}, and there is no such file; check the path") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{str(path)!r} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}; give a text file") from error


def diagnosis() -> Iterator[tuple[str, str | None, str]]:
    """Yield each part's name, what was found of it (None: nothing), and what to do where it is missing."""
    import platform

    import torch
    import transformers

    yield "python", platform.python_version(), ""
    yield "torch", torch.__version__, ""
    yield "transformers", transformers.__version__, ""
    yield "device", "cuda" if torch.cuda.is_available() else "cpu", ""
    weights = _folder(EMBEDDED) / "config.json"
    yield (
        "embedded model",
        str(weights.parent) if weights.is_file() else None,
        "models/tiny is not beside the code; clone it whole",
    )
    try:
        box = sandbox_named(None)
        works = box.run("print('hello')").passed
        yield "sandbox", type(box).__name__ if works else None, "it starts, and a trivial program fails in it"
        box.close()
    except InfrastructureError as error:
        yield "sandbox", None, str(error)
    yield from _engine()


def _engine() -> Iterator[tuple[str, str | None, str]]:
    """What the Docker engine gives, where one answers."""
    from sandbox import SandboxUnavailable
    from sandbox.docker import connect, described

    try:
        client = connect()
    except SandboxUnavailable:
        return  # the sandbox's own line says so
    try:
        yield from described(client)
    finally:
        client.close()
