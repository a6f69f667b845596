"""The device that a stage or a command computes on."""

import torch

CPU = torch.device("cpu")


def best_device() -> torch.device:
    """A GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
