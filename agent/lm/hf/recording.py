"""A forward of few tokens over slot caches that is recorded once, for its shape, and then replayed.

Such a forward costs a GPU mostly the launches of hundreds of kernels; a replay (a CUDA graph) launches them at once.
Each token reads its own list of slots, so tasks, drafts and alternatives of a tree all have one shape.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from agent.lm.hf.feeds import hooked_attention
from agent.lm.hf.slots import SlotPool, Slots, SlotWriter
from uncertainty.scores import Summary, compute_summaries, read_summaries

MOST_KEPT = 128  # tokens of a forward whose logits are wanted
# Options of attention that are followed, and those that change nothing.
_OPTIONS = {"scaling"}
_IGNORED = {"dropout", "is_causal", "position_ids", "use_cache", "output_router_logits"}


@dataclass(frozen=True, slots=True)
class Row:
    """A token of a forward."""

    token: int
    position: int
    slot: int  # its own
    seen: Slots  # the slots that it attends to, its own included


class Recorder:
    """The memory and the stream that all recordings of one model share."""

    def __init__(self, device: torch.device) -> None:
        self._pool = torch.cuda.graph_pool_handle()  # one forward runs at a time
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def record(self, forward: Any) -> tuple[Any, Any]:
        """Return a graph whose replay computes `forward` again, and the result, which each replay overwrites.

        Raises RuntimeError for a forward that cannot be recorded, and leaves the current stream as it was.
        """
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            for _ in range(2):  # what is set up once must not be recorded
                forward()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                result = forward()
        torch.cuda.current_stream().wait_stream(self._stream)
        return graph, result


class FewTokens(SlotWriter):
    """A forward of a fixed number of tokens, each of which reads at most `width` slots."""

    def __init__(
        self, pool: SlotPool, tokens: int, width: int, device: torch.device, recorder: Recorder | None
    ) -> None:
        """recorder: None where nothing is recorded."""
        kept = min(tokens, MOST_KEPT)
        count = tokens * (4 + width) + kept
        self._staged = torch.zeros(count, dtype=torch.int64, pin_memory=recorder is not None)
        self._inputs = torch.zeros(count, dtype=torch.int64, device=device)
        columns, table, self._kept = torch.split(self._inputs, [4 * tokens, tokens * width, kept])
        self._ids, self._positions, new, self._lengths = columns.view(4, tokens)
        super().__init__(pool, new)
        self.size, self._tokens, self._width = pool.size, tokens, width
        self._table = table.view(tokens, width)
        self._mask = torch.empty(0)
        self._recorder = recorder
        self._recording: tuple[Any, tuple[Tensor, Tensor]] | None = None

    def run(self, model: Any, rows: Sequence[Row], kept: Slots) -> tuple[Tensor, list[Summary]]:
        """Return the logits after some rows, [kept, vocab], and their summaries. kept: the indices of these rows."""
        self._stage(rows, kept)
        with torch.inference_mode(), torch.cuda.device_of(self._inputs):  # type: ignore[no-untyped-call]
            self._inputs.copy_(self._staged, non_blocking=True)
            logits, summaries = self._replay(model) if self._recorder else self._forward(model)
            return logits[: len(kept)].clone(), read_summaries(summaries[: len(kept)])

    def attend(self, module: Any, query: Tensor, options: Mapping[str, Any]) -> Tensor:
        """Let each token attend to its slots: [1, heads, tokens, size] gives [1, tokens, heads, size]."""
        if unknown := options.keys() - _OPTIONS - _IGNORED:
            raise NotImplementedError(f"attention with the options {sorted(unknown)}; wanted none but a scaling")
        keys = self.pool.keys[module.layer_idx][self._table].transpose(1, 2)  # [tokens, heads, width, size]
        values = self.pool.values[module.layer_idx][self._table].transpose(1, 2)
        _, heads, tokens, size = query.shape
        # Heads that share keys become queries of one head.
        packed = query[0].transpose(0, 1).reshape(tokens, keys.shape[1], heads // keys.shape[1], size)
        out = functional.scaled_dot_product_attention(
            packed, keys, values, attn_mask=self._mask, scale=options.get("scaling")
        )
        return out.reshape(1, tokens, heads, -1)

    def _stage(self, rows: Sequence[Row], kept: Slots) -> None:
        tokens, staged = self._tokens, self._staged.numpy()
        staged[:] = 0
        columns, table, kept_rows = np.split(staged, [4 * tokens, tokens * (4 + self._width)])
        columns, table = columns.reshape(4, tokens), table.reshape(tokens, self._width)
        columns[3] = 1  # padding reads one slot
        kept_rows[: len(kept)] = kept
        for at, row in enumerate(rows):
            columns[:, at] = row.token, row.position, row.slot, len(row.seen)
            table[at] = row.seen[0]  # unused places must hold finite numbers, though no token attends to them
            table[at, : len(row.seen)] = row.seen

    def _forward(self, model: Any) -> tuple[Tensor, Tensor]:
        places = torch.arange(self._width, device=self._inputs.device)
        self._mask = (places < self._lengths[:, None])[:, None, None]  # [tokens, 1, 1, width]
        with hooked_attention(model):
            out = model(
                self._ids[None], position_ids=self._positions[None], past_key_values=self, use_cache=True,
                logits_to_keep=self._kept, joined=self,
            )  # fmt: skip
        logits = out.logits[0].to(torch.promote_types(out.logits.dtype, torch.float32))
        return logits, compute_summaries(logits)

    def _replay(self, model: Any) -> tuple[Tensor, Tensor]:
        if self._recording is None:
            assert self._recorder is not None, "a forward is replayed only where one is recorded"
            try:
                self._recording = self._recorder.record(lambda: self._forward(model))
            except RuntimeError:  # the model reads numbers back while it computes, or memory ran out
                self._recorder = None
                return self._forward(model)
        graph, result = self._recording
        graph.replay()
        return result
