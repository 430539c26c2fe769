"""The exercises are right, distinct, stable, and share no text with HumanEval or MBPP."""

import copy
import hashlib
import re
import subprocess
import sys
from collections import Counter
from random import Random

import pytest
from data import humaneval, mbpp, needs_data

from benchmarks.exercises import Exercises, compose, make_problem, world
from benchmarks.exercises.benchmark import exercise
from benchmarks.exercises.body import load_function, write_body
from benchmarks.exercises.tables import piece_table
from models import library

HELD_OUT = [split for split in world.SPLITS if split != "train"]


def program(made):
    return load_function(made.program, made.name)


def test_docstring_examples_are_what_the_canonical_solution_returns():
    for number in range(200):
        made = exercise(f"exercises/{number}")
        lines = [line.strip() for line in made.prompt.splitlines()]
        function = program(made)
        shown = [(line.removeprefix(">>> "), lines[at + 1]) for at, line in enumerate(lines) if line.startswith(">>>")]
        assert [compose.format_call(made.name, args) for args in made.examples] == [call for call, _ in shown]
        assert [repr(function(*copy.deepcopy(args))) for args in made.examples] == [value for _, value in shown]


def test_all_ways_to_write_a_meaning_agree():
    drawn = [(name, seed) for name in world.families() for seed in range(1 if "@" in name else 4)]
    for name, seed in drawn:
        meaning = world.draw_pieces(world.families()[name], Random(f"{name} {seed}"))
        names = {role: role for role in compose.roles(meaning)}
        codes = {meaning.code(Random(seed).choice, names).replace("\n", "\n    ") for seed in range(5)}
        functions = [load_function(f"def f({', '.join(names)}):\n    {code}", "f") for code in codes]
        for args in compose.draw_inputs(meaning, "agree", 16):
            results = {repr(function(*copy.deepcopy(args))) for function in functions}
            assert len(results) == 1, f"{meaning.key} on {args}: {results}"


def test_every_piece_of_every_slot_can_be_said_and_written():
    kinds = ("", "numbers", "words", "characters", "digits")  # the other sources draw from the same tables
    chosen = [family for name, family in world.families().items() if name.partition("@")[2] in kinds]
    slots = [(family, slot, spec) for family in chosen for slot, spec in family.slots.items()]
    for family, slot, piece in [
        (family, slot, group[0]) for family, slot, spec in slots for group in piece_table(spec)
    ]:
        meaning = world.draw_pieces(family, Random(f"{family.name} {slot} {piece.key}"), keep={slot: piece})
        names = {role: role for role in compose.roles(meaning)}
        phrase = meaning.phrase(Random(0).choice, {role: [role] for role in names})
        assert not re.search(r"\{\w+[.}]", phrase), phrase
        compile(f"def f():{write_body(meaning, names, Random(0))}", "f", "exec")


def test_no_two_families_share_a_name():
    names = [family.name for group in world.groups().values() for family in group]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("plain", "natural"),
    [
        ("Count the numbers in <xs> that are even.", "Count the even numbers in <xs>."),
        ("Of the words of <s> that are lowercase, take one.", "Of the lowercase words of <s>, take one."),
        ("Take its digits for each of the numbers in <xs> that are odd.", None),
        ("Count the numbers in <xs> that are even or are prime.", None),
        ("Make lists of numbers in <xs>: those that are even, and the rest.", None),
        ("Return the sum over the numbers that end in 5, not over those that are odd.", None),
    ],
)
def test_an_adjective_goes_before_the_noun_it_belongs_to(plain, natural):
    expected = natural or {"Take": "Take its digits for each of the odd numbers in <xs>."}.get(plain[:4], plain)
    assert compose._ADJECTIVE.sub(r"\3 \1\2", plain) == expected


def test_a_sentence_says_each_note_once_and_keeps_the_names_of_arguments():
    for number in range(250):
        made = exercise(f"exercises/{number}")
        assert all(made.sentence.count(note) == 1 for note in made.meaning.notes)
        first = made.sentence.split()[0]
        assert first in made.names.values() or first[0].isupper(), made.sentence


def test_no_solution_negates_twice():
    assert not any("not not" in exercise(f"exercises/{number}").body for number in range(250))


def test_no_slot_has_the_name_of_an_argument():
    for family in world.families().values():
        assert not {part.split(":")[0] for part in family.args.split()} & {*family.slots, *family.fixed}, family.name


def test_problems_have_humanevals_shape():
    for item in [make_problem(f"exercises/{n}") for n in range(100)] + [
        make_problem(f"exercises/far/{n}") for n in range(100)
    ]:
        assert item.prompt.endswith('"""') and item.canonical_solution.startswith("\n    ")
        assert f"def {item.entry_point}(" in item.prompt
        assert 2 <= len(item.base_inputs) <= 3 and len(item.plus_inputs) >= 30
        compile(item.prompt + item.canonical_solution, item.task_id, "exec")


def test_the_world_is_large():
    assert len({name.partition("@")[0] for name in world.families()}) >= 60
    assert world.size() >= 30_000


@pytest.mark.parametrize(("split", "size"), [("validation", 200), ("calibration", 1000), ("test", 500), ("far", 100)])
def test_held_out_splits_have_their_size_and_their_hash(split, size):
    keys = world.held_out(split)
    assert len(keys) == len(set(keys)) == len(Exercises(split)) == size
    assert {world.find_split(world.parse_key(key)) for key in keys} == {split}
    assert [world.parse_key(key).key for key in keys] == list(keys)


def test_no_composition_is_in_two_splits():
    keys = [key for split in HELD_OUT for key in world.held_out(split)]
    assert len(keys) == len(set(keys))
    drawn = {world.draw(Random(f"exercises/train/{n}"), "train").key for n in range(2000)}
    assert not drawn & set(keys)


def test_ids_are_unique_and_iteration_is_in_their_order():
    for split in ("validation", "far"):  # of the test split a contract holds it
        items = list(Exercises(split))
        assert [item.task_id for item in items] == [f"exercises/{split}/{n}" for n in range(len(items))]
    first = next(iter(Exercises("train")))
    assert first.task_id == "exercises/train/0" and first == Exercises().problem("exercises/train/0")


PINNED = {
    "exercises/0": "28518e544b41",
    "exercises/12": "d57b83103022",
    "exercises/499": "0012811e4a02",
    "exercises/calibration/17": "95d685e85055",
    "exercises/validation/3": "b5d2dfcc4731",
    "exercises/far/5": "74429a6c979f",
    "exercises/train/123": "de73bcbcdfa1",
}


@pytest.mark.parametrize("task_id", sorted(PINNED))
def test_prompts_never_change(task_id):
    assert hashlib.sha256(make_problem(task_id).prompt.encode()).hexdigest()[:12] == PINNED[task_id]


@pytest.mark.parametrize(
    "task_id", ["exercises/500", "exercises/-1", "exercises/far/100", "exercises/x", "HumanEval/0", ""]
)
def test_an_unknown_id_is_refused_with_the_ids_that_exist(task_id):
    with pytest.raises(KeyError, match=r"no exercise .*; ids are exercises/N .* calibration 1000, test 500, far 100"):
        Exercises().problem(task_id)


def test_an_unknown_split_is_refused_with_the_splits():
    with pytest.raises(ValueError, match="choose from train, validation, calibration, test, far"):
        Exercises("hard")


def test_one_problem_needs_no_torch():
    make = "from benchmarks.exercises import make_problem; make_problem('exercises/12')"
    code = f"import sys; {make}; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def grams(text):
    words = re.findall(r"\w+", text.lower())
    return set(zip(*(words[skip:] for skip in range(13)), strict=False))


@needs_data
@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.slow)])
def test_training_text_shares_no_13_gram_with_humaneval_or_mbpp(count):
    theirs = {}
    for item in [*humaneval(), *mbpp()]:
        theirs |= dict.fromkeys(grams(f"{item['prompt']}\n{item['canonical_solution']}"), item["task_id"])
    for number in range(count):
        made = exercise(f"exercises/train/{number}")
        shared = grams(f"{made.program}\n{made.sentence}") & theirs.keys()
        assert not shared, f"{made.meaning.key}: {theirs[min(shared)]} has {' '.join(min(shared))!r}"
    for source in library.functions():
        shared = grams(source) & theirs.keys()
        assert not shared, f"{source.splitlines()[0]}: {theirs[min(shared)]} has {' '.join(min(shared))!r}"


def test_zipf_draws_are_uneven_and_of_the_same_split():
    def drawn(zipf):
        meanings = [world.draw(Random(number), "train", zipf=zipf) for number in range(3_000)]
        pairs = [(each.family.slots[slot], piece.key) for each in meanings for slot, piece in each.pieces.items()]
        return Counter(key for name, key in pairs if name == "int?")

    even, uneven = drawn(0.0), drawn(1.5)
    first, last = piece_table("int?")[0][0].key, piece_table("int?")[-1][0].key
    assert uneven[first] > 2 * even[first] and uneven[last] < even[last] / 2
    assert all(
        world.find_split(world.draw(Random(n), split, zipf=1.5)) == split
        for n in range(20)
        for split in ("test", "far")
    )


def test_relatives_have_one_signature_and_none_is_far():
    family = world.parse_key("keep@numbers/even").family
    families = world.relatives(family.args, family.returns)
    assert family in families and len(families) > 1
    assert {(each.args, each.returns, each.far) for each in families} == {(family.args, family.returns, False)}
