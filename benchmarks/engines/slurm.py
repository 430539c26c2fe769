"""Shards of a run as jobs of Slurm, or as processes of this machine. A shard is a `dubito bench run` of its own."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path

import submitit

from agent.errors import DeviceError


@dataclass(frozen=True, slots=True)
class ShardCommand:
    """Runs one command of dubito, as the words behind `dubito`. Slurm may stop it and start it again: it goes on."""

    words: tuple[str, ...]

    def __call__(self) -> None:
        """Run the command. Raises CalledProcessError where it fails, so that the job fails, too."""
        subprocess.run([sys.executable, "-P", "-m", "agent", *self.words], check=True)

    def checkpoint(self) -> submitit.helpers.DelayedSubmission:
        """Return what submitit submits again where the job was preempted or ran out of time."""
        return submitit.helpers.DelayedSubmission(self)


@dataclass(frozen=True, slots=True)
class JobSize:
    """What each job asks for. None: what Slurm gives by default."""

    minutes: int = 1440
    gpus: int | None = None
    cpus: int | None = None
    partition: str | None = None


@dataclass(frozen=True, slots=True)
class SubmittedShards:
    """Jobs that were submitted, and the folder of their logs."""

    jobs: Sequence[submitit.Job[None]]
    folder: Path

    @property
    def id(self) -> str:
        """The id of the array, or of the first process."""
        return str(self.jobs[0].job_id).partition("_")[0]

    def wait(self) -> None:
        """Wait until all have ended. Raises DeviceError where one has failed; an interrupt ends them."""
        try:
            failed = [job for job in self.jobs if job.exception() is not None]
        except KeyboardInterrupt:
            for job in self.jobs:
                job.cancel()
            raise
        if failed:
            raise DeviceError(f"{len(failed)} of {len(self.jobs)} shards failed; one's log is {failed[0].paths.stderr}")


def check_slurm() -> None:
    """Raise DeviceError where Slurm's commands are not on this machine."""
    missing = [name for name in ("sbatch", "srun") if shutil.which(name) is None]
    if missing:
        raise DeviceError(f"{missing[0]} is not on this machine; submit where Slurm is installed")


def submit_shards(commands: Sequence[Sequence[str]], folder: Path, size: JobSize, *, slurm: bool) -> SubmittedShards:
    """Submit a job for each command, as an array. slurm: to Slurm; otherwise processes of this machine run at once.

    Raises DeviceError where Slurm refuses them. The folder gets a script and the logs.
    """
    executor = submitit.AutoExecutor(folder, cluster="slurm" if slurm else "local")
    executor.update_parameters(
        name="dubito", timeout_min=size.minutes, gpus_per_node=size.gpus, cpus_per_task=size.cpus,
        slurm_partition=size.partition,
    )  # fmt: skip
    try:
        with redirect_stderr(io.StringIO()), executor.batch():  # submitit repeats there what sbatch complains of
            jobs = [executor.submit(ShardCommand(tuple(words))) for words in commands]
    except submitit.core.utils.FailedJobError as error:
        raise DeviceError(f"Slurm refused the jobs: {str(error).strip().splitlines()[-1]}") from error
    return SubmittedShards(jobs, folder)
