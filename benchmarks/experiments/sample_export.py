"""Write the programs of runs as evalplus' own files of samples, under its own names. Judges nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from agent.errors import InvalidRequestError
from agent.files.access import check_writable, explain_errors, write_whole
from agent.messages import quote
from agent.program.styles import PROMPT_STYLES
from benchmarks.evalplus_names import DATASETS, id_in_files, name_samples
from benchmarks.experiments.outcomes import ProblemOutcome
from benchmarks.experiments.record_file import StoredRun, key_of, read_run
from benchmarks.experiments.stories import find_stories_beside


class SampleFiles(NamedTuple):
    """The files of samples of one run."""

    run: Path  # the file of outcomes
    programs: Path
    raw: Path | None  # the answers as the model wrote them; None where the run has no stories of all samples
    samples: int


def export_runs(runs: Sequence[Path], folder: Path) -> list[SampleFiles]:
    """Write a file of samples for each file of outcomes, as FOLDER/humaneval/MODEL_BACKEND_temp_T.jsonl.

    Beside it, in a file that ends in .raw.jsonl, stand the answers as the model wrote them.

    Raises InvalidRequestError where two runs would have one name, FileAccessError for a file that is there already. No
    file is written then.
    """
    stored = {path: read_run(path, ProblemOutcome) for path in runs}
    places = {path: folder / dataset_folder(run) / f"{name_run(run)}.jsonl" for path, run in stored.items()}
    for path, place in places.items():
        if others := [quote(each) for each in places if each != path and places[each] == place]:
            raise InvalidRequestError(
                f"{quote(path)} and {others[0]} would both be {quote(place)}; export them into different folders"
            )
    answers = {path: write_answers(path, run) for path, run in stored.items()}
    for place in places.values():
        with explain_errors(place.parent, "make"):
            place.parent.mkdir(parents=True, exist_ok=True)
        check_writable(place)
        check_writable(_raw(place))
    return [_export_run(path, stored[path], place, answers[path]) for path, place in places.items()]


def dataset_folder(run: StoredRun[Any]) -> str:
    """Return the folder that evalplus keeps samples of the run's data set in; for one that it lacks, our name."""
    name = str(run.options.get("benchmark", "exercises"))
    return DATASETS.get(name, name.lower().replace("/", "-"))


def name_run(run: StoredRun[Any]) -> str:
    """Return evalplus' name for the samples of a run. Its backend is our policy with our strategy."""
    options = run.options
    policy, strategy = str(options.get("policy", "greedy")), str(options.get("strategy", "once")).partition("(")[0]
    return name_samples(str(options.get("model", "models/tiny")), f"dubito-{policy}-{strategy}", _temperature(policy))


def write_samples(outcomes: Iterable[ProblemOutcome]) -> bytes:
    """Return the programs as evalplus reads them: a line for each sample of each task, in order."""
    return b"".join(_line(each.task_id, each.program) for each in outcomes)


def write_answers(path: Path, run: StoredRun[ProblemOutcome]) -> bytes | None:
    """Return the answers as the model wrote them, in the same form; None where the run lacks the story of a sample.

    An answer that continues its prompt has the prompt before it, as evalplus writes it.
    """
    stories = find_stories_beside(path, run)
    style = PROMPT_STYLES.get(run.model.get("prompt_style", "").partition(" ")[0])
    continues = style is not None and not style.chat
    lines = []
    for outcome in run.records:
        story = stories.get(key_of(outcome)) if stories else None
        if story is None:
            return None
        answer = story.attempts[story.best].answer
        lines.append(_line(outcome.task_id, story.request + answer if continues else answer))
    return b"".join(lines)


def _export_run(path: Path, run: StoredRun[ProblemOutcome], place: Path, answers: bytes | None) -> SampleFiles:
    write_whole(place, write_samples(run.records))
    if answers is not None:
        write_whole(_raw(place), answers)
    return SampleFiles(path, place, None if answers is None else _raw(place), len(run.records))


def _raw(place: Path) -> Path:
    return place.with_suffix(".raw.jsonl")


def _line(task_id: str, solution: str) -> bytes:
    return json.dumps({"task_id": id_in_files(task_id), "solution": solution}).encode() + b"\n"


def _temperature(policy: str) -> float:
    """Return the temperature at which a policy samples; 0.0 for one that does not sample, or is not known."""
    from agent.decoding import POLICIES  # noqa: PLC0415 - torch
    from agent.decoding.samplers import LineStart, Temperature  # noqa: PLC0415

    sampler: Any = POLICIES[policy].sampler if policy in POLICIES else None
    sampler = sampler.start if isinstance(sampler, LineStart) else sampler
    return sampler.temperature if isinstance(sampler, Temperature) else 0.0
