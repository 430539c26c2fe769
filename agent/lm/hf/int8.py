"""Linear layers with int8 weights, for CPUs. Knows no model families, and decides nothing: agent.lm.hf.trial does.

A token costs a CPU the time in which the weights come from memory, and int8 halves that. The weights are the same
however many rows are fed: a kernel multiplies few rows, and for more the layer widens its weights in the cache of the
CPU. So with and without a prefix cache results differ by rounding alone, as they do with weights of any other type.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

FEW_ROWS = 32  # more rows take longer by the kernel than widened weights do; each row gets the same numbers in any few
MULTIPLE = 32  # the kernel reads past the end of rows of another length
_LARGEST = 127
_WIDENED = 2**23  # weights that are widened at once: few enough to stay in the cache of a CPU


class Int8Linear(nn.Module):
    """A linear layer whose weights are int8 numbers times one scale for each output."""

    numbers: Tensor  # [out_features, in_features]
    scale: Tensor  # [out_features]

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        numbers, scale = quantise(linear.weight.detach())
        self.register_buffer("numbers", numbers, persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.bias = linear.bias

    @property
    def weight(self) -> Tensor:
        """The weights in the type of the scale, for models that multiply by themselves: [out_features, in_features]."""
        return self.numbers.to(self.scale.dtype) * self.scale[:, None]

    def forward(self, x: Tensor) -> Tensor:
        """Return x times the weights, plus the bias. x: [..., in_features] gives [..., out_features]."""
        rows = x.reshape(-1, x.shape[-1])
        if len(rows) <= FEW_ROWS:
            out: Tensor = torch.ops.aten._weight_int8pack_mm(rows.contiguous(), self.numbers, self.scale)
        else:
            blocks = torch.split(self.numbers, max(1, _WIDENED // x.shape[-1]))
            out = torch.cat([nn.functional.linear(rows, block.to(x.dtype)) for block in blocks], dim=-1) * self.scale
        if self.bias is not None:
            out += self.bias
        return out.view(*x.shape[:-1], -1)


def quantise(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return int8 numbers and a scale for each output, whose product is near the weight: [out, in] and [out]."""
    scale = (weight.abs().amax(dim=1) / _LARGEST).clamp(min=torch.finfo(weight.dtype).tiny)
    numbers = torch.empty_like(weight, dtype=torch.int8)
    step = max(1, _WIDENED // weight.shape[1])
    for start in range(0, len(weight), step):  # in blocks, because float32 takes twice the memory
        block = weight[start : start + step].float() / scale[start : start + step, None].float()
        numbers[start : start + step] = block.round_().clamp_(-_LARGEST, _LARGEST)
    return numbers, scale


def use_int8(model: nn.Module) -> None:
    """Give a model's linear layers int8 weights, in place, and free the old ones one by one.

    Embeddings keep their weights, also where an output layer was tied to them.
    """
    for name in list(find_linear(model)):
        layer: Any = model.get_submodule(name)
        _replace(model, name, Int8Linear(layer))


def find_linear(model: nn.Module) -> dict[str, nn.Module]:
    """Return the layers that `use_int8` would replace, by name."""
    return {name: layer for name, layer in model.named_modules() if _can_be_int8(layer)}


def put_back(model: nn.Module, layers: Mapping[str, nn.Module]) -> None:
    """Put layers where they were, by their names: undo `use_int8`, or do it again without another conversion."""
    for name, layer in layers.items():
        _replace(model, name, layer)


def has_int8(model: nn.Module) -> bool:
    """Decide whether a layer of a model has int8 weights."""
    return any(isinstance(layer, Int8Linear) for layer in model.modules())


def _can_be_int8(layer: Any) -> bool:
    return type(layer) is nn.Linear and layer.in_features % MULTIPLE == 0


def _replace(model: nn.Module, name: str, layer: nn.Module) -> None:
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, layer)
