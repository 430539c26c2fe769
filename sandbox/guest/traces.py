"""Find traces that one program changes and the next could read: counters of processes and files, times of devices."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from . import files

DEVICES = "/dev"


class Traces(NamedTuple):
    """The traces that a supervisor finds before its program runs."""

    process: int  # its own number
    file: int  # number of a new file; 0 where the kernel counts the files of all file systems together
    entry: int  # number of a new entry of the folder; 0 where the file system counts none
    times: tuple[int, ...]  # of device files, in nanoseconds; opening some of them changes theirs

    def follow(self, before: Traces) -> bool:
        """Return whether the run between the two left no trace. A run takes two processes, a file and a folder."""
        entries = self.entry - before.entry
        return (
            self.process - before.process == 2
            and self.file - before.file == (2 if self.file else 0)
            and 0 <= entries <= 2
            and self.times == before.times
        )


class Finder:
    """Finds traces in one folder. The server makes it once, before any program runs."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._devices = [DEVICES, *sorted(entry.path for entry in os.scandir(DEVICES))]  # listing changes a time
        first, second = files.counters(place), files.counters(place)
        self._counts_files = second.file - first.file == 1  # before Linux 5.9, one counter served all file systems

    def find(self) -> Traces:
        """Make a file, and read the numbers and times of now."""
        counters = files.counters(self._place)
        status = [os.lstat(path) for path in self._devices if os.path.lexists(path)]
        times = tuple(time for each in status for time in (each.st_atime_ns, each.st_mtime_ns, each.st_ctime_ns))
        return Traces(os.getpid(), counters.file if self._counts_files else 0, counters.entry, times)
