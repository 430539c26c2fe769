"""Stories: what a person wants to see of one problem in one run, and files of them. Holds no hidden test.

A story says how each program came to be: its answer, its pauses, its doubts and holes, and its visible verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from agent.errors import InvalidRequestError
from agent.files.access import follow_links, is_stream
from agent.messages import quote
from agent.trace import read_lines_from
from benchmarks.experiments.plan import Key
from benchmarks.experiments.record_file import (
    RecordFile,
    RecordReader,
    StoredRun,
    build_from_line,
    describe_other_run,
    key_of,
    read_run,
)

_ENDING = ".stories.jsonl"


@dataclass(frozen=True, slots=True)
class StoryCandidate:
    """A candidate at a pause: its text with its rollout, its logprob in nats, and the resolver's score."""

    text: str
    logprob: float | None  # None where the model's number was none
    score: float | None


@dataclass(frozen=True, slots=True)
class StoryPause:
    """A pause: where it was, why, and which candidate won."""

    at: int  # character of the answer
    place: int | None  # character of the program; None outside of it
    line: int  # of the program, from 1; 0 outside of it
    reason: str
    resolver: str
    candidates: list[StoryCandidate]
    chosen: int | None  # number of the candidate that won, from 0; None where another token did
    forwards: int


@dataclass(frozen=True, slots=True)
class StorySpan:
    """A part of a program, and the surprisal of its tokens in nats."""

    start: int
    end: int
    surprisal: float | None


@dataclass(frozen=True, slots=True)
class StoryEdge:
    """The way from an earlier attempt to this one."""

    kind: str
    parent: int  # number of the attempt it starts from
    at: int  # character of the answer at which it departs
    line: int  # of the parent's program, from 1; 0 where it departs from none
    text: str  # of the token with which it departs


@dataclass(frozen=True, slots=True)
class StoryAttempt:
    """One program of a run: how it was decoded, and what the visible examples said."""

    label: str
    edge: StoryEdge | None  # None for the first attempt
    answer: str  # the completion, as the model wrote it
    program: str
    partial: str  # the program with holes
    holes: list[StorySpan]
    doubts: list[StorySpan]  # tokens that were less probable than all others together
    verdict: str  # by the visible examples
    checked: int  # visible examples
    failures: list[str]  # sentences
    end: str  # why decoding ended
    tokens: int
    surprisal: float | None  # nats, of the whole completion
    pauses: list[StoryPause]  # of its own part
    same_as: str = ""  # label of an earlier attempt that it equals but for names and layout
    guarantee: str = ""  # a sentence on the program without its holes


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that happened in one sample of one problem, but what is hidden from the agent."""

    KIND: ClassVar[str] = "story"
    MADE_BY: ClassVar[str] = "bench run --out"

    task_id: str
    prompt_sha256: str
    request: str  # what the agent saw
    best: int  # number of the attempt that stands for the run
    attempts: list[StoryAttempt]
    sample: int = 0

    def __post_init__(self) -> None:
        if self.best >= len(self.attempts):
            raise ValueError(f"best is {self.best}, and there are {len(self.attempts)} attempts")
        for number, attempt in enumerate(self.attempts):
            if attempt.edge is not None and attempt.edge.parent >= number:
                raise ValueError(f"the parent of attempt {number} is {attempt.edge.parent}, which is no earlier one")


@dataclass(frozen=True, slots=True)
class _StoryHead:
    """What tells a story from others. It is quick to read out of a line, and checks nothing else there."""

    KIND: ClassVar[str] = Story.KIND
    MADE_BY: ClassVar[str] = Story.MADE_BY

    task_id: str
    prompt_sha256: str
    sample: int = 0


def name_story_file(outcomes: Path) -> Path:
    """Return the place of the stories that belong to a file of outcomes: beside the file, not beside a link to it."""
    return follow_links(outcomes).with_suffix(_ENDING)


def is_story_file(path: Path) -> bool:
    """Decide by its name whether a file holds stories."""
    return path.name.endswith(_ENDING)


def open_stories(outcomes: Path | None, options: Mapping[str, Any], cleanup: ExitStack) -> RecordFile[Story] | None:
    """Open the file of stories beside a file of outcomes, which `cleanup` closes; None where there is no such place."""
    if outcomes is None or is_stream(outcomes):
        return None
    return cleanup.enter_context(closing(RecordFile(name_story_file(outcomes), Story, options)))


def read_stories(path: Path) -> StoredRun[Story]:
    """Read a file of stories, with the options of its run. Raises InvalidRequestError for any other file."""
    return read_run(path, Story)


class StoredStories(Mapping[Key, Story]):
    """The stories in a file, by their keys. Each is read when it is asked for: all together may not fit in memory."""

    def __init__(self, path: Path, starts: Mapping[Key, int]) -> None:
        """starts: the byte where the line of each story begins."""
        self._path, self._starts = path, starts

    def __getitem__(self, key: Key) -> Story:
        """Read a story."""
        line = next(read_lines_from(self._path, self._starts[key]))
        return build_from_line(self._path, line.number, line.record, Story)

    def __iter__(self) -> Iterator[Key]:
        """Iterate over the keys."""
        return iter(self._starts)

    def __len__(self) -> int:
        """Return the number of stories."""
        return len(self._starts)


def find_stories_beside(outcomes: Path, run: StoredRun[Any]) -> StoredStories | None:
    """Find the stories beside a file of outcomes; None where there are none. Raises InvalidRequestError for others'.

    A story that is not sound is refused when it is read.
    """
    place = name_story_file(outcomes)
    if not place.exists():
        return None
    reader = RecordReader(place, _StoryHead)
    prompts = {key_of(outcome): outcome.prompt_sha256 for outcome in run.records}
    places = {key_of(each): (start, each.prompt_sha256) for start, each in reader.locate()}
    if places and (differing := describe_other_run(run, reader)):
        raise InvalidRequestError(
            f"{quote(outcomes)} (there) and {quote(place)} (here) are of different runs: {differing}; "
            "move the second away"
        )
    starts = {key: start for key, (start, prompt) in places.items() if prompts.get(key) == prompt}
    return StoredStories(place, starts) if starts else None
