"""The device that a stage or a command computes on."""

import torch

from headshrink.parameters.compute import Device

CPU = torch.device("cpu")


def best_device(device: Device = "auto") -> torch.device:
    """A GPU where there is one and `device` does not forbid it ("cpu"), else the CPU."""
    return torch.device("cuda" if device == "auto" and torch.cuda.is_available() else "cpu")
