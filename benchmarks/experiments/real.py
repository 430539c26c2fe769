"""The runs with real models that docs/results/real.md shows, as data. Each is one `dubito bench run`; runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SMALL, LARGE = "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"
TITLES = {"HumanEval": "HumanEval+", "Mbpp": "MBPP+"}
PROBLEM_COUNTS = {"HumanEval": 164, "Mbpp": 378}  # problems of evalplus' data sets
MOST_TOKENS = 768  # evalplus' own bound


@dataclass(frozen=True, slots=True)
class RealRun:
    """One configuration over one benchmark."""

    dataset: str
    style: str
    policy: str = "greedy"
    model: str = SMALL
    threshold: str | None = None  # None: the policy's own

    @property
    def name(self) -> str:
        """The name of the run and of its file."""
        return "-".join(
            [self.dataset, self.model, self.style, self.policy, *([self.threshold] if self.threshold else [])]
        )

    def file(self, folder: Path) -> Path:
        """Return the file of its outcomes."""
        return folder / f"{self.name}.jsonl"

    def command(self) -> list[str]:
        """Return the words behind `dubito` that run it; --out names the file in which it can be resumed."""
        words = ["bench", "run", self.dataset, "--model", self.model, "--prompt-style", self.style]
        words += ["--policy", self.policy]
        words += ["--threshold", self.threshold] if self.threshold else []
        return [*words, "--max-tokens", str(MOST_TOKENS), "--memory-mib", "3072"]


@dataclass(frozen=True, slots=True)
class RealComparison:
    """Runs over the same problems; the first one is what the others are compared with."""

    title: str
    runs: Sequence[RealRun]


def _styles(dataset: str) -> list[RealRun]:
    return [RealRun(dataset, style) for style in ("qwen", "dubito", "evalplus", "completion")]


REAL_COMPARISONS = (
    RealComparison(
        "Policies on HumanEval+",
        [
            RealRun("HumanEval", "dubito"),
            RealRun("HumanEval", "dubito", "sample"),
            RealRun("HumanEval", "dubito", "adadec"),
            RealRun("HumanEval", "dubito", "adadec", threshold="learned"),
            RealRun("HumanEval", "dubito", "uscd"),
        ],
    ),
    RealComparison(
        "Policies on MBPP+",
        [RealRun("Mbpp", "dubito", policy) for policy in ("greedy", "adadec", "uscd")],
    ),
    RealComparison("Prompt styles on HumanEval+", _styles("HumanEval")),
    RealComparison("Prompt styles on MBPP+", _styles("Mbpp")),
    RealComparison("A larger model on HumanEval+", [RealRun("HumanEval", "qwen", model=LARGE)]),
    RealComparison("A larger model on MBPP+", [RealRun("Mbpp", "qwen", model=LARGE)]),
)
REAL_RUNS: Mapping[str, RealRun] = {run.name: run for comparison in REAL_COMPARISONS for run in comparison.runs}
# Our style against the makers' own, over both data sets together.
JOINT = tuple((RealRun(dataset, "qwen"), RealRun(dataset, "dubito")) for dataset in PROBLEM_COUNTS)


@dataclass(frozen=True, slots=True)
class Published:
    """A published pass@1, in percent."""

    model: str
    dataset: str
    base: float
    plus: float

    @property
    def run(self) -> RealRun:
        """Our run in the makers' style, which stands beside it."""
        return RealRun(self.dataset, "qwen", model=self.model)


REPORTED = (  # bf16; Qwen2.5-Coder technical report, arXiv:2409.12186, table 16
    Published(SMALL, "HumanEval", 61.6, 57.3),
    Published(SMALL, "Mbpp", 52.4, 43.7),
    Published(LARGE, "HumanEval", 70.7, 66.5),
    Published(LARGE, "Mbpp", 69.2, 59.4),
)
CLAIMS = {  # what the papers claim of their policies, on other models
    "AdaDec (arXiv:2506.08980)": (
        "up to 20.9 points of pass@1 over greedy (HumanEval+, MBPP+, DevEval; abstract); DeepSeek-Coder 1.3B on "
        "HumanEval from 56.7 to 64.0; 31 % more latency and 7.2 % pauses on average"
    ),
    "AdaDec, from the authors' per-problem results": (
        "eight models together, against greedy: HumanEval +4.4 points (108 gained, 50 lost), MBPP +5.7 (134 gained, 43 "
        "lost); against beam search of width 3: HumanEval 62 gained, 54 lost, MBPP 72 gained, 73 lost"
    ),
    "USCD (arXiv:2409.05923)": (
        "pass@1 16.59 % higher, relative to the standard prompt's, on average over five models; the one released run "
        "is CodeLlama 7B on HumanEval with 27.4, below its greedy 33.5"
    ),
}
