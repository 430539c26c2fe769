"""`dubito bench speed`: measure what decoding costs on this machine. Heavy imports wait inside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, JsonOption, WeightsOption
from agent.errors import InvalidRequestError
from agent.messages import check_choice
from agent.views.say import say, write_json
from benchmarks.cli.run_options import BatchOption, open_as_evalplus, read_batch, read_problems

if TYPE_CHECKING:
    from benchmarks.speed.decoding import Measurement

_PARTS = ("policies", "uncached", "overhead", "together", "int8")  # those of benchmarks.speed.decoding
_SCORE = "score"  # needs a tokenizer, and with a real model minutes
_ONLY_HELP = f"Measure one part: {', '.join(_PARTS)} or {_SCORE}. Default: all but {_SCORE}, which takes minutes."


def bench_speed(
    model: Annotated[
        str | None,
        typer.Option(help="Time this model. By default, a real one of the shelf that is here, else random weights."),
    ] = None,
    tokens: Annotated[int, typer.Option(min=16, help="Decode this many tokens a completion.")] = 128,
    rounds: Annotated[int, typer.Option(min=1, help="Run each policy this often, in turns, and take medians.")] = 5,
    only: Annotated[str | None, typer.Option(help=_ONLY_HELP)] = None,
    problems: Annotated[
        str | None, typer.Option(help="Instead, time how long the model takes for all problems of this benchmark.")
    ] = None,
    batch: BatchOption = "auto",
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Time each policy against greedy, and greedy against transformers' own generate, in one process.

    Seconds are CPU seconds of one thread, or with a GPU wall seconds. Ratios compare such seconds.

    Example: dubito bench speed --tokens 64 --rounds 3 --only policies
    """
    with report_errors(as_json):
        from agent.lm.names import choose_default_model
        from benchmarks.speed.bench import pin_one_thread

        if only is not None:
            check_choice("part", only, (*_PARTS, _SCORE))
        if only is not None and problems is not None:
            raise InvalidRequestError("--only and --problems came together; --problems times nothing else, so drop one")
        name = choose_default_model() if model is None else model
        if problems is not None:
            timed = _open_problems(name, problems, device, weights, read_batch(batch))
        elif only == _SCORE:
            timed = _open_scoring(name, device, weights, rounds)
        else:
            timed = _open_bench(name, model is not None, device, weights, tokens, rounds, only)
        _show(timed, pin_one_thread(), as_json=as_json)


class _Timed(NamedTuple):
    """What is timed: a model, the type of its weights, and the rows of the table, measured as they are asked for."""

    name: str
    dtype: str
    rows: Iterable[Measurement]


def _show(timed: _Timed, seconds: str, *, as_json: bool) -> None:
    say(f"{timed.name} in {timed.dtype}, {seconds}", err=True)
    rows = []
    for row in timed.rows:
        rows.append(row._asdict())
        say(f"{row.measure:<50}{row.wanted:>12}   {row.measured}", err=as_json)
    if as_json:
        write_json({"model": timed.name, "dtype": timed.dtype, "seconds": seconds, "measures": rows})


def _open_bench(
    name: str, chosen: bool, device: str | None, weights: str, tokens: int, rounds: int, only: str | None
) -> _Timed:
    from agent.lm.hf.backend import open_decoder
    from agent.lm.hf.int8 import has_int8
    from agent.lm.names import EMBEDDED, parse_spec
    from benchmarks.speed.bench import Bench
    from benchmarks.speed.decoding import measure

    if chosen or name != EMBEDDED:  # the embedded model is too small to tell anything
        model = open_decoder(parse_spec(name).name, device=device, weights=weights).model
    else:
        name, model = "random weights in the shape of Qwen2.5-Coder-0.5B", _random_model(device, weights)
    dtype = "int8" if has_int8(model) else str(model.dtype).removeprefix("torch.")
    return _Timed(name, dtype, measure(Bench(model, tokens, rounds), only))


def _open_problems(name: str, benchmark: str, device: str | None, weights: str, batch: int | None) -> _Timed:
    from benchmarks.speed.problems import time_problems

    problems = read_problems(benchmark, None)
    model = open_as_evalplus(name, device=device, weights=weights)
    return _Timed(name, model.dtype, time_problems(model, problems, batch))


def _open_scoring(name: str, device: str | None, weights: str, rounds: int) -> _Timed:
    from agent.lm.open import open_lm
    from benchmarks.speed.scoring import measure_scoring

    model = open_lm(name, device=device, weights=weights)
    return _Timed(name, model.dtype, measure_scoring(model, rounds))


def _random_model(device: str | None, weights: str) -> Any:
    import torch

    from agent.errors import DeviceError
    from agent.lm.hf.hub import WEIGHTS
    from benchmarks.speed.shapes import make_qwen

    check_choice("weights", weights, WEIGHTS)
    dtype = torch.bfloat16 if weights == "auto" else getattr(torch, WEIGHTS[weights])
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=where)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(f"cannot use device {where!r}: {reason}; try --device cpu") from error
    return make_qwen(where, dtype)
