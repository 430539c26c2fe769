"""Cross skeletons with sources into families. A skeleton says what is done, a source says to which elements.

In the texts below `{src}` is the source ("numbers in the list", `xs`) and `{src.of}` one of its elements ("number").
"""

# ruff: noqa: E501 - a phrase or a program stands on one line, so that the tables can be read down
from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from benchmarks.exercises.grammar import Family, Piece


@dataclass(frozen=True, slots=True)
class Source:
    """Gives the elements: the argument and the code that lists them."""

    name: str
    args: str
    elem: str
    them: tuple[str, ...]
    one: str
    code: str
    indexed: bool = False  # the code is a name that can be indexed and sliced


@dataclass(frozen=True, slots=True)
class Skeleton:
    """Says what is done to the elements. E in a slot is the source's element: E? a test, E>int a map to integers."""

    name: str
    returns: str
    slots: Mapping[str, str]
    phrases: tuple[str, ...]
    codes: tuple[str, ...]
    only: str = ""  # "int" or "indexed": the sources it needs
    symmetric: bool = False
    note: str = ""


SOURCES = (
    Source("numbers", "xs:numbers", "int", ("numbers in {xs}", "integers in {xs}", "elements of {xs}", "values of {xs}"),
           "number", "{xs}", indexed=True),
    Source("words", "xs:words", "word", ("words in {xs}", "strings in {xs}", "words of {xs}"), "word", "{xs}", indexed=True),
    Source("sentence", "s:sentence", "word", ("words in {s}", "words of {s}"), "word", "{s}.split()"),
    Source("characters", "s:text", "char", ("characters in {s}", "characters of {s}"), "character", "{s}", indexed=True),
    Source("csv", "s:csv", "int", ("comma-separated numbers in {s}", "numbers in {s} (separated by commas)"), "number",
           "[int(t) for t in {s}.split(',') if t]"),
    Source("digits", "n:natural", "digit", ("digits of {n}", "decimal digits of {n}"), "digit", "[int(c) for c in str({n})]"),
    Source("upto", "n:count", "int", ("integers from 1 to {n}", "numbers from 1 up to and including {n}"), "number",
           "range(1, {n} + 1)"),
    Source("divisors", "n:positive", "int", ("positive divisors of {n}", "divisors of {n}"), "divisor",
           "[d for d in range(1, {n} + 1) if {n} % d == 0]"),
    Source("dict-values", "d:table", "int", ("values in {d}", "values of {d}"), "value", "{d}.values()"),
    Source("dict-keys", "d:table", "word", ("keys of {d}", "keys in {d}"), "key", "{d}"),
    Source("cells", "g:matrix", "int", ("numbers in all rows of {g}", "entries of {g}"), "number",
           "[c for row in {g} for c in row]"),
    Source("seconds", "ps:pairs", "int", ("second items of the pairs in {ps}", "numbers of the pairs in {ps}"), "number",
           "[v for _, v in {ps}]"),
    Source("lengths", "ps:spans", "int", ("lengths of the intervals in {ps}", "differences end minus start of {ps}"),
           "length", "[b - a for a, b in {ps}]"),
    Source("common", "xs:numbers ys:others", "int", ("distinct numbers (in ascending order) found in both {xs} and {ys}",),
           "number", "sorted(set({xs}) & set({ys}))"),
    Source("missing", "xs:numbers ys:others", "int", ("distinct numbers (in ascending order) of {xs} not found in {ys}",),
           "number", "sorted(set({xs}) - set({ys}))"),
    Source("distinct", "xs:numbers", "int", ("distinct numbers (in ascending order) in {xs}",), "number", "sorted(set({xs}))"),
)  # fmt: skip

SKELETONS = (
    Skeleton("keep", "list[E]", {"p": "E?"},
             ("Return the {src} that {p}.", "Return a list of the {src} that {p}, in order.",
              "Keep only those of the {src} that {p}.", "From the {src}, return the ones that {p}."),
             ("return [x for x in {src} if {p(x)}]",
              "out = []\nfor x in {src}:\n    if {p(x)}:\n        out.append(x)\nreturn out",
              "return list(filter(lambda x: {p(x)}, {src}))")),
    Skeleton("each", "list[int]", {"m": "E>int"},
             ("For each of the {src}, return {m}.", "Return the {m.of} of the {src}.", "Return a list of the {m.of} of the {src}.",
              "Return a list that holds, for each of the {src}, {m}.", "Map each of the {src} to {m}."),
             ("return [{m(x)} for x in {src}]", "out = []\nfor x in {src}:\n    out.append({m(x)})\nreturn out",
              "return list(map(lambda x: {m(x)}, {src}))")),
    Skeleton("keep-each", "list[int]", {"p": "E?", "m": "E>int"},
             ("Return the {m.of} of the {src} that {p}.", "For each of the {src} that {p}, return {m}.",
              "Take the {src} that {p} and return for each of them {m}.", "For every {src.of} of the {src} that {p.is}, return {m}."),
             ("return [{m(x)} for x in {src} if {p(x)}]",
              "out = []\nfor x in {src}:\n    if {p(x)}:\n        out.append({m(x)})\nreturn out")),
    Skeleton("each-keep", "list[int]", {"m": "E>int", "q": "int?"},
             ("For each of the {src}, take {m}, and return those results that {q}.",
              "Replace each of the {src} by {m} and keep only the results that {q}."),
             ("out = []\nfor x in {src}:\n    y = {m(x)}\n    if {q(y)}:\n        out.append(y)\nreturn out",
              "ys = [{m(x)} for x in {src}]\nreturn [y for y in ys if {q(y)}]")),
    Skeleton("count", "int", {"p": "E?"},
             ("Count the {src} that {p}.", "Return how many of the {src} {p}.", "Return the number of {src} that {p}."),
             ("return sum(1 for x in {src} if {p(x)})", "return len([x for x in {src} if {p(x)}])",
              "total = 0\nfor x in {src}:\n    if {p(x)}:\n        total += 1\nreturn total")),
    Skeleton("every", "bool", {"p": "E?"},
             ("Check whether all {src} {p}.", "Return True if all {src} {p}, otherwise False.",
              "Return whether every one of the {src} {p.is}."),
             ("return all({p(x)} for x in {src})", "for x in {src}:\n    if not {p(x)}:\n        return False\nreturn True")),
    Skeleton("some", "bool", {"p": "E?"},
             ("Check whether any of the {src} {p.is}.", "Return True if at least one of the {src} {p.is}, otherwise False."),
             ("return any({p(x)} for x in {src})", "for x in {src}:\n    if {p(x)}:\n        return True\nreturn False")),
    Skeleton("first", "E", {"p": "E?"},
             ("Return the first of the {src} that {p.is}, or {none} if there is none.",
              "Find the first {src.of} among the {src} that {p.is}. Return {none} if no such {src.of} exists."),
             ("for x in {src}:\n    if {p(x)}:\n        return x\nreturn {none}",
              "return next((x for x in {src} if {p(x)}), {none})")),
    Skeleton("last", "E", {"p": "E?"},
             ("Return the last of the {src} that {p.is}, or {none} if there is none.",
              "Find the last {src.of} among the {src} that {p.is}. Return {none} if no such {src.of} exists."),
             ("out = {none}\nfor x in {src}:\n    if {p(x)}:\n        out = x\nreturn out",
              "out = [x for x in {src} if {p(x)}]\nreturn out[-1] if out else {none}")),
    Skeleton("fold-kept", "int", {"p": "E?", "r": "ints>int"},
             ("Return the {r} of the {src} that {p}.", "Of the {src} that {p}, return the {r}."),
             ("out = [x for x in {src} if {p(x)}]\nreturn {r(out)}",
              "acc = {r.init}\nfor x in {src}:\n    if {p(x)}:\n        {r.step(x)}\nreturn acc"), only="int"),
    Skeleton("fold-each", "int", {"m": "E>int", "r": "ints>int"},
             ("Return the {r} of the {m.of} of the {src}.", "For each of the {src} take {m}, and return the {r} of these.",
              "Replace each of the {src} by {m} and return the {r} of the results."),
             ("out = [{m(x)} for x in {src}]\nreturn {r(out)}", "acc = {r.init}\nfor x in {src}:\n    {r.step({m(x)})}\nreturn acc")),
    Skeleton("fold-kept-each", "int", {"p": "E?", "m": "E>int", "r": "ints>int"},
             ("Return the {r} of the {m.of} of the {src} that {p}.",
              "For each of the {src} that {p}, take {m}, and return the {r} of these.",
              "Take the {src} that {p}, replace each by {m}, and return the {r} of the results."),
             ("out = [{m(x)} for x in {src} if {p(x)}]\nreturn {r(out)}",
              "acc = {r.init}\nfor x in {src}:\n    if {p(x)}:\n        {r.step({m(x)})}\nreturn acc")),
    Skeleton("sort", "list[E]", {"m": "E>int", "o": "order"},
             ("Return the {src} sorted by {m}, {o}.", "Sort the {src} by {m}, {o}, and return them as a list."),
             ("return sorted({src}, key=lambda x: {m(x)}{o})",
              "out = list({src})\nout.sort(key=lambda x: {m(x)}{o})\nreturn out"), note="Ties keep their order."),
    Skeleton("top", "E", {"m": "E>int"},
             ("Of the {src}, return the one for which {m} is largest, or {none} if there are none.",
              "Return the one of the {src} with the greatest value of this: {m}. Return {none} if there are none."),
             ("return max({src}, key=lambda x: {m(x)}, default={none})",
              "best = None\nfor x in {src}:\n    if best is None or {m(x)} > {m(best)}:\n        best = x\n"
              "return {none} if best is None else best"), note="On a tie, the first one wins."),
    Skeleton("bottom", "E", {"m": "E>int"},
             ("Of the {src}, return the one for which {m} is smallest, or {none} if there are none.",
              "Return the one of the {src} with the least value of this: {m}. Return {none} if there are none."),
             ("return min({src}, key=lambda x: {m(x)}, default={none})",
              "best = None\nfor x in {src}:\n    if best is None or {m(x)} < {m(best)}:\n        best = x\n"
              "return {none} if best is None else best"), note="On a tie, the first one wins."),
    Skeleton("group", "dict[int, list[E]]", {"m": "E>int"},
             ("Group the {src} by {m}.", "Return a dictionary that maps each result to the list of those {src} that give it, "
              "where the result is {m}."),
             ("out = {}\nfor x in {src}:\n    out.setdefault({m(x)}, []).append(x)\nreturn out",
              "out = {}\nfor x in {src}:\n    y = {m(x)}\n    if y not in out:\n        out[y] = []\n    out[y].append(x)\nreturn out")),
    Skeleton("tally", "dict[int, int]", {"m": "E>int"},
             ("Count how many of the {src} share the same result, where the result is {m}.",
              "Return a dictionary from {m} to how many of the {src} have it."),
             ("out = {}\nfor x in {src}:\n    y = {m(x)}\n    out[y] = out.get(y, 0) + 1\nreturn out",
              "out = {}\nfor x in {src}:\n    y = {m(x)}\n    if y in out:\n        out[y] += 1\n    else:\n        out[y] = 1\nreturn out")),
    Skeleton("split", "tuple[list[E], list[E]]", {"p": "E?"},
             ("Split the {src} into two lists: those that {p}, and the rest.",
              "Return a pair of lists: the {src} that {p}, and all others."),
             ("return [x for x in {src} if {p(x)}], [x for x in {src} if not {p(x)}]",
              "out, rest = [], []\nfor x in {src}:\n    if {p(x)}:\n        out.append(x)\n    else:\n        rest.append(x)\nreturn out, rest")),
    Skeleton("choose", "list[int]", {"p": "E?", "m": "E>int", "z": "E>int"},
             ("For each of the {src}, return {m} if it {p.is}, and otherwise {z}.",
              "Replace each of the {src} that {p.is} by {m}, and every other one by {z}."),
             ("return [{m(x)} if {p(x)} else {z(x)} for x in {src}]",
              "out = []\nfor x in {src}:\n    if {p(x)}:\n        out.append({m(x)})\n    else:\n        out.append({z(x)})\nreturn out")),
    Skeleton("balance", "int", {"p": "E?", "m": "E>int"},
             ("Go through the {src}: add {m} if it {p.is}, otherwise subtract it.",
              "Start at 0. For each of the {src} that {p.is} add {m}, and for every other one subtract {m}. Return the result."),
             ("total = 0\nfor x in {src}:\n    if {p(x)}:\n        total += {m(x)}\n    else:\n        total -= {m(x)}\nreturn total",
              "return sum({m(x)} if {p(x)} else -({m(x)}) for x in {src})")),
    Skeleton("both", "list[E]", {"p": "E?", "q": "E?"},
             ("Return the {src} that {p} and {q}.", "Keep the {src} that {p} and also {q}."),
             ("return [x for x in {src} if {p(x)} and {q(x)}]",
              "out = []\nfor x in {src}:\n    if {p(x)} and {q(x)}:\n        out.append(x)\nreturn out"), symmetric=True),
    Skeleton("either", "int", {"p": "E?", "q": "E?"},
             ("Count the {src} that {p} or {q}.", "Return how many of the {src} {p} or {q} (or both)."),
             ("return sum(1 for x in {src} if {p(x)} or {q(x)})",
              "total = 0\nfor x in {src}:\n    if {p(x)} or {q(x)}:\n        total += 1\nreturn total"), symmetric=True),
    Skeleton("but-not", "int", {"p": "E?", "q": "E?"},
             ("Count the {src} that {p} but not those that {q}.", "Return how many of the {src} {p}, leaving out those that {q}."),
             ("return sum(1 for x in {src} if {p(x)} and not {q(x)})",
              "total = 0\nfor x in {src}:\n    if {p(x)} and not {q(x)}:\n        total += 1\nreturn total")),
    Skeleton("running", "list[int]", {"m": "E>int", "r": "looped>int"},
             ("For each of the {src} take {m}, and return the list of running results: the {r} of these so far.",),
             ("acc = {r.init}\nout = []\nfor x in {src}:\n    {r.step({m(x)})}\n    out.append(acc)\nreturn out",
              "out = []\nacc = {r.init}\nfor x in {src}:\n    {r.step({m(x)})}\n    out.append(acc)\nreturn out")),
    Skeleton("table", "dict[E, int]", {"p": "E?", "m": "E>int"},
             ("Return a dictionary that maps each of the {src} that {p.is} to {m}.",
              "Make a dictionary: its keys are the {src} that {p}, the value of each key is {m}."),
             ("return {x: {m(x)} for x in {src} if {p(x)}}",
              "out = {}\nfor x in {src}:\n    if {p(x)}:\n        out[x] = {m(x)}\nreturn out")),
    Skeleton("where", "list[int]", {"p": "E?"},
             ("Return the positions of the {src} that {p}.", "Return the indices (from 0) of those {src} that {p}."),
             ("return [i for i, x in enumerate({src}) if {p(x)}]",
              "out = []\nfor i, x in enumerate({src}):\n    if {p(x)}:\n        out.append(i)\nreturn out")),
    Skeleton("find", "int", {"p": "E?"},
             ("Return the position of the first of the {src} that {p.is}, or -1 if there is none.",
              "Find the index of the first one of the {src} that {p.is}. Return -1 if there is none."),
             ("for i, x in enumerate({src}):\n    if {p(x)}:\n        return i\nreturn -1",
              "return next((i for i, x in enumerate({src}) if {p(x)}), -1)")),
    Skeleton("longest-run", "int", {"p": "E?"},
             ("Return the length of the longest run of consecutive {src} that {p}.",
              "Find how many {src} in a row {p} at most."),
             ("best = 0\nrun = 0\nfor x in {src}:\n    run = run + 1 if {p(x)} else 0\n    best = max(best, run)\nreturn best",
              "best = run = 0\nfor x in {src}:\n    if {p(x)}:\n        run += 1\n        best = max(best, run)\n    else:\n        run = 0\nreturn best")),
    Skeleton("take-while", "list[E]", {"p": "E?"},
             ("Return the leading {src} that {p}, stopping at the first that does not.",
              "Take {src} from the start as long as they {p}, and return them."),
             ("out = []\nfor x in {src}:\n    if not {p(x)}:\n        break\n    out.append(x)\nreturn out",)),
    Skeleton("after-first", "list[E]", {"p": "E?"},
             ("Return all {src} that come after the first one that {p.is}. If there is none, return an empty list.",),
             ("for i, x in enumerate({src}):\n    if {p(x)}:\n        return list({src}[i + 1:])\nreturn []",
              "out = []\nseen = False\nfor x in {src}:\n    if seen:\n        out.append(x)\n    elif {p(x)}:\n        seen = True\nreturn out"),
             only="indexed"),
    Skeleton("neighbours", "int", {"p": "E?", "q": "E?"},
             ("Count the positions where one of the {src} {p.is} and the next one {q.is}.",),
             ("return sum(1 for x, y in zip({src}, {src}[1:]) if {p(x)} and {q(y)})",
              "total = 0\nfor i in range(len({src}) - 1):\n    if {p({src}[i])} and {q({src}[i + 1])}:\n        total += 1\nreturn total"),
             only="indexed"),
)  # fmt: skip
FAR = frozenset({"take-while", "after-first", "longest-run@cells", "table@divisors", "both@csv", "group@digits", "find@dict-values",
                 "choose@seconds", "running@lengths", "split@characters", "fold-kept@missing", "top@sentence",
                 "two-parts@dict-keys", "until@cells", "unless@digits"})  # fmt: skip


def cross(skeletons: Iterable[Skeleton]) -> Iterator[Family]:
    """Yield the family of every skeleton and every source that fits it."""
    for skeleton in skeletons:
        for source in SOURCES:
            if skeleton.only in ("", source.elem.replace("digit", "int")) or (
                skeleton.only == "indexed" and source.indexed
            ):
                yield _cross(skeleton, source)


def _cross(skeleton: Skeleton, source: Source) -> Family:
    name = f"{skeleton.name}@{source.name}"
    none = "-1" if source.elem in ("int", "digit") else "''"
    returned = "int" if source.elem in ("int", "digit") else "str"
    return Family(
        name=name,
        args=source.args,
        returns=skeleton.returns.replace("E", returned),
        phrases=skeleton.phrases,
        codes=skeleton.codes,
        slots={slot: table.replace("E", source.elem) for slot, table in skeleton.slots.items()},
        fixed={
            "src": Piece("", source.them, (source.code,), (source.one,), note=skeleton.note),
            "none": Piece("", (none.replace("''", "an empty string"),), (none,)),
        },
        symmetric=skeleton.symmetric,
        far=name in FAR or skeleton.name in FAR,
    )
