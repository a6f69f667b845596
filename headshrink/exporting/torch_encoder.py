"""Embedding texts in bulk with a SentenceEncoder on the CPU: one batch per core."""

import numpy as np
import torch

from headshrink.cores import cores
from headshrink.exporting.graph_encoder import GraphEncoder, text_reader
from headshrink.model import SentenceEncoder


class TorchEncoder(GraphEncoder):
    """A SentenceEncoder whose batches share the cores, one each, instead of each batch taking all of them.

    Threads of one matrix product wait for one another at every layer; whole batches never do. The embeddings are
    those of SentenceEncoder.encode up to rounding.
    """

    def __init__(self, encoder: SentenceEncoder, workers: int | None = None) -> None:
        encoder.eval()

        @torch.inference_mode()
        def run(ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
            torch.set_num_threads(1)  # of this thread: OpenMP counts per calling thread
            found: torch.Tensor = encoder(torch.from_numpy(ids), torch.from_numpy(mask))
            return found.numpy()

        super().__init__(run, encoder.dimension, text_reader(encoder), workers or cores())
