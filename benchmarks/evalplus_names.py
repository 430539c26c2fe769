"""The names that evalplus gives to data sets, tasks and files of samples. Reads and writes nothing."""

from __future__ import annotations

DATASETS = {"HumanEval": "humaneval", "Mbpp": "mbpp"}  # our name -> evalplus'
_SHARED_IDS = {"HumanEval-base": "HumanEval"}  # data sets whose tasks have the ids of another one in files


def id_in_files(task_id: str) -> str:
    """Return the id of a task as files of samples write it."""
    dataset, slash, number = task_id.partition("/")
    return f"{_SHARED_IDS.get(dataset, dataset)}{slash}{number}"


def id_from_files(task_id: str, datasets: set[str]) -> str:
    """Return our id of a task in a file, where the file is read for these data sets."""
    dataset, slash, number = task_id.partition("/")
    sharing = (own for own, shared in _SHARED_IDS.items() if shared == dataset and own in datasets)
    return f"{next(sharing, dataset)}{slash}{number}"


def name_samples(model: str, backend: str, temperature: float) -> str:
    """Return the name of a file of samples, without its suffix. backend: what decoded."""
    return f"{model.strip('./').replace('/', '--')}_{backend}_temp_{temperature}"
