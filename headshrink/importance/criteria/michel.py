"""Head importance of Michel et al. 2019, "Are Sixteen Heads Really Better than One?", section 4.1."""

from torch import Tensor

from headshrink.importance.criteria._base import Criterion


class Michel(Criterion):
    """|dL/dgate| of every single example, summed, then scaled to L2 norm 1 within each layer.

    The absolute value per example is finer than `taylor`'s per batch. The scaling, which the paper found helpful,
    makes all layers equally important as wholes, whatever their gradients say.
    """

    def update(self, gate_grad: Tensor) -> None:  # [examples, layers, units]
        self.accumulated += gate_grad.abs().sum(0)

    def scores(self) -> Tensor:
        lengths: Tensor = self.accumulated.norm(dim=1, keepdim=True)
        return self.accumulated / lengths.clamp(min=1e-20)
