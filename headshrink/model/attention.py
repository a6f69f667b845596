"""How a model computes attention, changed for a while."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from headshrink.model.encoder import SentenceEncoder


@contextmanager
def eager_attention(encoder: SentenceEncoder) -> Iterator[None]:
    """Attention as plain matrix products inside the block, afterwards as it was."""
    before = encoder.backbone.config._attn_implementation
    encoder.backbone.set_attn_implementation("eager")
    try:
        yield
    finally:
        encoder.backbone.set_attn_implementation(before)


def quick_attention(encoder: SentenceEncoder, precision: str) -> AbstractContextManager[None]:
    """Attention by plain matrix products for a while, where bf16 runs on a CPU; elsewhere as it was.

    torch's fused CPU kernel is made for long sequences: at a sentence's length its bf16 backward takes eight times as
    long as the plain products (128 sentences of 39 tokens, 6 heads of 32: 94 ms against 12), its forward twice.
    """
    return eager_attention(encoder) if precision == "bf16" and encoder.device.type == "cpu" else nullcontext()
