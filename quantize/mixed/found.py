"""What a search for the smallest set of layers in float found, for people and for `quantization.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Mixed"]

_MOST_ROWS = 8


@dataclass(frozen=True)
class Mixed:
    """Losses are rms errors of the outputs in percent of their spread in float, of the worst output.

    max_loss: what was asked for. loss: on samples held back. loss_seen: on those that the search saw. all_int8: on the
    same, with no layer in float. reached: `loss` is at most `max_loss`. by: what the search kept small, "macs" or
    "bytes"; cost_share: of all that the network has of it, the share in float. float_layers: the set, without nodes
    that have no weights.
    single: layer → what is lost, on samples seen, with this one alone in float; the lower, the more int8 costs there.
    sets: how many were measured.
    """

    max_loss: float
    loss: float
    loss_seen: float
    all_int8: float
    reached: bool
    by: str
    cost_share: float
    float_layers: tuple[str, ...]
    single: Mapping[str, float]
    sets: int

    def to_text(self) -> str:
        """A headline, the layers that gain most alone, and what was chosen."""
        what = {"macs": "MACs", "bytes": "bytes of weights"}[self.by]
        gains = sorted(self.single, key=lambda layer: self.single[layer])[:_MOST_ROWS]
        width = max((len(layer) for layer in gains), default=0)
        kept, layers = len(self.float_layers), len(self.single)
        lines = [
            f"asked: a loss of at most {self.max_loss:g} % of the output's spread; "
            f"all layers in int8: {self.all_int8:.2f}, and with one of {layers} in float:",
            *(
                f"  {layer:<{width}} {self.single[layer]:>6.2f}{'  in float' * (layer in self.float_layers)}"
                for layer in gains
            ),
            f"in float: {kept} of {layers} layers, {100 * self.cost_share:.1f} % of the {what} "
            f"({self.sets} sets measured); loss {self.loss_seen:.2f} seen, {self.loss:.2f} held back",
        ]
        return "\n".join(lines)

    def missed(self) -> str:
        """Of a goal that was not reached, in one line."""
        return (
            f"layers in float keep the loss to {self.loss_seen:.3g} % on the samples seen and {self.loss:.3g} % on "
            f"those held back, which is more than {self.max_loss:g}"
        )
