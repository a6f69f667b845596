"""First-order Taylor importance of gates (Molchanov et al. 2017, eq. 6; for heads, Michel et al. 2019)."""

from torch import Tensor

from headshrink.importance.criteria._base import Criterion


class Taylor(Criterion):
    """Estimate |L(gate=0) - L(gate=1)| of every gate by |dL/dgate| at gate 1, L being a batch's mean loss.

    The absolute value is taken per batch, before summing over batches: signs differ between batches, and a signed sum
    lets a head that matters in opposite directions look unimportant.
    """

    def update(self, gate_grad: Tensor) -> None:  # [examples, layers, units]
        self.accumulated += gate_grad.mean(0).abs()
