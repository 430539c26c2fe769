"""Named runs on disk: one sqlite file in the user's state folder. A run that ended keeps its last state alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from agent.errors import StorageError

KEPT = 100  # runs; the oldest goes when another one ends
_OLD_STATES = "thread_id = ? AND checkpoint_id < (SELECT max(checkpoint_id) FROM checkpoints WHERE thread_id = ?)"
# Identities of states begin with their time.
_OLD_RUNS = (
    "thread_id IN (SELECT thread_id FROM checkpoints"
    " GROUP BY thread_id ORDER BY max(checkpoint_id) DESC LIMIT -1 OFFSET ?)"
)


def threads_file() -> Path:
    """Return where named runs are kept."""
    from platformdirs import user_state_path

    return user_state_path("dubito") / "threads.sqlite"


def in_memory() -> Any:
    """Return a checkpointer that keeps a run while this process lives: for runs that ask a person."""
    from langgraph.checkpoint.memory import InMemorySaver

    from agent.workflow.checkpoints import RecordSerializer

    return InMemorySaver(serde=RecordSerializer())


@contextmanager
def threads(folder: Path | None = None) -> Iterator[Any]:
    """Open the store of named runs, a checkpointer of langgraph's. Raises StorageError."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    from agent.workflow.checkpoints import RecordSerializer

    file = folder / "threads.sqlite" if folder else threads_file()
    where = f"cannot keep threads in {str(file.parent)!r}"
    advice = f"{where}; make room there and let it be written, or set XDG_STATE_HOME to another folder"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{advice} ({error.strerror})") from error
    try:
        with closing(sqlite3.connect(file, check_same_thread=False)) as connection:  # the saver has a lock
            yield SqliteSaver(connection, serde=RecordSerializer())
    except sqlite3.Error as error:
        raise StorageError(f"{advice} ({error})") from error


def prune(saver: Any, thread: str) -> None:
    """Drop all but the last state of a run that ended, and all but the newest KEPT runs. Give the disk its space.

    Where another process is at work or the disk is full, the next run to end does it.
    """
    with suppress(sqlite3.OperationalError):
        with saver.cursor() as cursor:
            for table in ("checkpoints", "writes"):
                cursor.execute(f"DELETE FROM {table} WHERE {_OLD_STATES}", (thread, thread))
            for table in ("writes", "checkpoints"):  # the runs are counted in the second
                cursor.execute(f"DELETE FROM {table} WHERE {_OLD_RUNS}", (KEPT,))
        saver.conn.execute("VACUUM")


def size_of_threads() -> tuple[int, int]:
    """Return how many runs are kept, and the bytes of their file. Raises sqlite3.Error for a file that is none."""
    file = threads_file()
    if not file.is_file():
        return 0, 0
    connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
    try:
        (runs,) = connection.execute("SELECT count(DISTINCT thread_id) FROM checkpoints").fetchone()
    finally:
        connection.close()
    return runs, file.stat().st_size
