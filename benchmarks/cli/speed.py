"""`dubito bench speed`: what decoding costs here. Heavy imports wait inside."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from agent.cli.exits import report_errors
from agent.cli.options import DeviceOption, DtypeOption
from agent.views.say import say


def bench_speed(
    model: Annotated[
        str | None, typer.Option(help="A folder or hub id; else random weights, 0.5 B parameters shaped as Qwen2.")
    ] = None,
    tokens: Annotated[int, typer.Option(min=16, help="New tokens of a completion.")] = 128,
    rounds: Annotated[int, typer.Option(min=1, help="Runs of each, alternating; medians count.")] = 5,
    uncached: Annotated[bool, typer.Option(help="Also AdaDec without any cache, as its reference runs.")] = True,
    device: DeviceOption = None,
    dtype: DtypeOption = "auto",
) -> None:
    """Time each policy against greedy, and greedy against transformers' own generate, in one process."""
    with report_errors(as_json=False):
        from agent.lm.hf.backend import open_decoder
        from agent.lm.names import parse_spec
        from benchmarks.speed.bench import Bench
        from benchmarks.speed.decoding import measure

        if model:
            timed = open_decoder(parse_spec(model).name, device=device, dtype=dtype).model
        else:
            timed = _random(device, dtype)
        for row in measure(Bench(timed, tokens, rounds), uncached=uncached):
            say(f"{row.measure:<50}{row.wanted:>12}   {row.measured}")


def _random(device: str | None, dtype: str) -> Any:
    import torch

    from agent.errors import DeviceError, InvalidRequestError
    from benchmarks.speed.shapes import qwen_shaped

    wanted = torch.bfloat16 if dtype == "auto" else getattr(torch, dtype, None)
    if not isinstance(wanted, torch.dtype):
        raise InvalidRequestError(f"unknown dtype {dtype!r}; choose auto, float32, bfloat16 or float16")
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.zeros(1, device=where)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(f"cannot use device {where!r}: {reason}; try --device cpu") from error
    return qwen_shaped(where, wanted)
