"""A sound model's folder, and a copy of it that a test may change."""

import shutil
from pathlib import Path

import pytest
from text_model import byte_model, save


@pytest.fixture(scope="session")
def sound(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sound")
    save(byte_model(context=64), folder)
    return folder


@pytest.fixture
def folder(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / "model"))
