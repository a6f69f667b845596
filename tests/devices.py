"""The tensor part of a stage on a pretended GPU: real code, tensors that have a shape and a device but no numbers.

FakeTensorMode with the device "meta" in the GPU's place refuses most mixtures of devices; `OneDevice` refuses those
that it lets pass. Both end at the first operation that needs a number, `.item()`, or data, `.cpu().numpy()`.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import DataDependentOutputException, DynamicOutputShapeException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

GPU = torch.device("meta")
aten = torch.ops.aten
ACROSS = (aten._to_copy, aten.copy_, aten._copy_from, aten.copy)  # what moves data between devices


class MixedDevices(Exception):
    """An operation got tensors of several devices."""


class NumbersNeeded(Exception):
    """A tensor on the CPU was asked for its numbers."""


@contextmanager
def until_numbers() -> Iterator[None]:
    """A block that ends, without an error, at the first operation that needs a tensor's numbers."""
    with suppress(DataDependentOutputException, DynamicOutputShapeException, NumbersNeeded):
        yield


def numpy_of(tensor: Tensor, *args: Any, **kwargs: Any) -> Any:
    """In the place of `Tensor.numpy`, which has no numbers to give."""
    raise MixedDevices("numpy() of a tensor on the GPU") if tensor.device == GPU else NumbersNeeded


class OneDevice(TorchDispatchMode):
    """Refuses operations on tensors of several devices, CPU indices included; scalars on the CPU may join any."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        devices = {tensor.device.type for tensor in tensors if tensor.ndim or tensor.device.type != "cpu"}
        if len(devices) > 1 and func.overloadpacket not in ACROSS:
            shapes = ", ".join(f"{tensor.device.type}{list(tensor.shape)}" for tensor in tensors)
            raise MixedDevices(f"{func}: {shapes}")
        return func(*args, **(kwargs or {}))


@contextmanager
def pretended_gpu() -> Iterator[torch.device]:
    """A block in which tensors on the device it gives are as on a GPU.

    The device "meta" has no generators and no autocast: random numbers come from the CPU's, and fp32 stays fp32.
    """
    generator, autocast = torch.Generator, torch.autocast

    def cast(kind: str, *args: Any, **kwargs: Any) -> Any:
        return nullcontext() if kind == GPU.type else autocast(kind, *args, **kwargs)

    with (
        patch("torch.Generator", lambda device="cpu": generator()),
        patch("torch.autocast", cast),
        patch("torch.Tensor.numpy", numpy_of),
        FakeTensorMode(allow_non_fake_inputs=True),
        OneDevice(),
    ):
        yield GPU
