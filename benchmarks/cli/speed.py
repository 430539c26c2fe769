"""`dubito bench speed`: measure what decoding costs on this machine. Heavy imports wait inside."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, JsonOption, WeightsOption
from agent.views.say import say, write_json


def bench_speed(
    model: Annotated[
        str | None,
        typer.Option(help="Time this model. By default, a real one of the shelf that is here, else random weights."),
    ] = None,
    tokens: Annotated[int, typer.Option(min=16, help="Decode this many tokens a completion.")] = 128,
    rounds: Annotated[int, typer.Option(min=1, help="Run each policy this often, in turns, and take medians.")] = 5,
    uncached: Annotated[bool, typer.Option(help="Also time AdaDec without any cache, as its reference runs.")] = True,
    device: DeviceOption = None,
    weights: WeightsOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Time each policy against greedy, and greedy against transformers' own generate, in one process.

    Seconds are CPU seconds of one thread, or with a GPU wall seconds. Ratios compare such seconds.

    Example: dubito bench speed --tokens 64 --rounds 3 --no-uncached
    """
    with report_errors(as_json):
        from agent.lm.hf.backend import open_decoder
        from agent.lm.hf.int8 import has_int8
        from agent.lm.names import EMBEDDED, choose_default_model, parse_spec
        from benchmarks.speed.bench import Bench, pin_one_thread
        from benchmarks.speed.decoding import measure

        name = choose_default_model() if model is None else model
        if model is not None or name != EMBEDDED:  # the embedded model is too small to tell anything
            timed = open_decoder(parse_spec(name).name, device=device, weights=weights).model
        else:
            name, timed = "random weights in the shape of Qwen2.5-Coder-0.5B", _random_model(device, weights)
        seconds, dtype = pin_one_thread(), "int8" if has_int8(timed) else str(timed.dtype).removeprefix("torch.")
        say(f"{name} in {dtype}, {seconds}", err=True)
        rows = []
        for row in measure(Bench(timed, tokens, rounds), uncached=uncached):
            rows.append(row._asdict())
            say(f"{row.measure:<50}{row.wanted:>12}   {row.measured}", err=as_json)
        if as_json:
            write_json({"model": name, "dtype": dtype, "seconds": seconds, "measures": rows})


def _random_model(device: str | None, weights: str) -> Any:
    import torch

    from agent.errors import DeviceError
    from agent.lm.hf.hub import WEIGHTS
    from agent.messages import check_choice
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
