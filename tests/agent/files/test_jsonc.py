"""A list in JSON with comments grows, and every byte that was there stays."""

import pytest

from agent.files.jsonc import add_entries, read_json, write_readable

NEW = [{"label": "x", "args": ["${file}", 1]}, {"label": "y"}]
FILES = [
    '{"version":"2.0.0","tasks":[]}',
    '{\n  // mine\n  "tasks": [\n    {\n      "label": "a"\n    } // last, mine\n    // more\n  ],\n  "x": [1],\n}\n',
    '{"tasks": [{"label": "a",},], /* c */ "b": {"tasks": []}}',
    '{\r\n\t"tasks": [\r\n\t\t{"label": "a"}\r\n\t]\r\n}',
    '{"tasks": [ // none yet\n]}',
    '{"tasks":[{"a":["]", "\\"tasks\\": [", {"tasks": [2]}]}]}',
    '{"inner": {"tasks": [0]}, "tasks": [1 /* one */ ]}',
    '{"tasks": [\n  // {"label": "off"},\n]}',
]


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_entries_are_added_and_what_was_there_stays(text):
    added = add_entries(text, NEW, "tasks")
    old, new = read_json(text), read_json(added)
    assert new == {**old, "tasks": [*old["tasks"], *NEW]}
    kept = iter(added)
    assert all(character in kept for character in text), "each character is there, in order"
    assert ("\r\n" in text) == ("\r\n" in added) and added.count("\n") - added.count("\r\n") in (0, added.count("\n"))
    comments = [line.strip() for line in text.splitlines() if line.strip().startswith("//")]
    assert [line.strip() for line in added.splitlines() if line.strip().startswith("//")] == comments


def test_a_list_that_is_the_whole_file_grows_too():
    assert read_json(add_entries('[\n  {"b": 1}, // one\n]\n', NEW)) == [{"b": 1}, *NEW]
    assert read_json(add_entries("[]", NEW)) == NEW


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", '{"a": 1}', '{"tasks": {}}', "[1]", '{"tasks": [1}', '{"tasks": [1], "tasks": [2]}', "{'a'}"],
)
def test_what_has_no_such_list_is_refused(text):
    with pytest.raises(ValueError, match=r"\w"):
        add_entries(text, NEW, "tasks")


def test_text_is_written_for_people_to_read():
    assert write_readable({"a": ["${x}", 1], "b": [{}, {"c": "ä"}]}) == (
        '{\n  "a": ["${x}", 1],\n  "b": [\n    {},\n    {\n      "c": "ä"\n    }\n  ]\n}'
    )
