"""How near a model with int8 weights comes to itself in bf16: the numbers, their bounds, and where they are kept.

Computes nothing: agent.lm.hf.trial does. Numbers are kept because they take seconds to measure.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_state_path

from agent.errors import DubitoError
from agent.files.access import read_bounded, write_whole

FEWEST_PARAMETERS = 100_000_000  # of a model that int8 weights are tried with: a smaller one is fast in any case
# Qwen2.5-Coder-0.5B has 0.0008 and 0.995 with int8 weights, with int6 0.010 and 0.974, with int4 0.17 and 0.88. Its own
# bf16 weights have 0.0003 and 0.995 where the text is read four tokens at a time and not at once. So the bounds leave
# room for another CPU's rounding, which is one more token of some 200 and the same KL again, and for nothing else.
MOST_KL = 0.0015
LEAST_AGREEMENT = 0.985
_MOST_BYTES = 2**12  # of a file


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Distances of next-token distributions with int8 weights from those in bf16, over one teacher-forced text."""

    model: str
    kl: float  # mean over the text, in nats; infinite where the model cannot compute with int8 weights
    agreement: float  # share of positions where the likeliest token was one of the likeliest before
    tokens: int

    @property
    def suffices(self) -> bool:
        """Decide whether int8 weights may stand for the model's own."""
        return self.kl <= MOST_KL and self.agreement >= LEAST_AGREEMENT

    def __str__(self) -> str:
        if math.isinf(self.kl):
            return f"{self.model}: not used (it cannot compute with them)"
        verdict = "used on CPUs" if self.suffices else "not used"
        return (
            f"{self.model}: {verdict} (mean KL {self.kl:.1e}, the same first token at {self.agreement:.1%} of "
            f"{self.tokens})"
        )


def read_fidelity(key: str) -> Fidelity | None:
    """Return what was measured with this version of torch on a CPU of this kind, if anything was."""
    return _read(_file(key))


def keep_fidelity(key: str, fidelity: Fidelity) -> None:
    """Keep what was measured. Where the disk does not take it, it is measured again next time."""
    file = _file(key)
    with suppress(DubitoError, OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, json.dumps(asdict(fidelity)).encode(), is_ours=lambda head: True)


def read_all() -> Iterator[Fidelity]:
    """Yield what was measured of any model with this version of torch on a CPU of this kind."""
    files = sorted(_folder().glob("*.json")) if _folder().is_dir() else []
    yield from (fidelity for fidelity in map(_read, files) if fidelity is not None)


def _folder() -> Path:
    import torch  # for what the CPU can do: each kind has kernels of its own, which round in their own way

    return user_state_path("dubito") / "int8" / f"{version('torch')}-{torch.backends.cpu.get_cpu_capability().lower()}"


def _file(key: str) -> Path:
    return _folder() / f"{hashlib.sha256(key.encode()).hexdigest()[:12]}.json"


def _read(file: Path) -> Fidelity | None:
    try:
        fidelity = Fidelity(**json.loads(read_bounded(file, _MOST_BYTES)))
        numbers = (fidelity.kl, fidelity.agreement, fidelity.tokens)
        sound = isinstance(fidelity.model, str) and not any(math.isnan(number) for number in numbers)
    except (DubitoError, OSError, ValueError, TypeError, RecursionError):
        return None  # it is measured again
    return fidelity if sound else None
