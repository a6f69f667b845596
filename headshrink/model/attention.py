"""How a model computes attention, changed for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

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
