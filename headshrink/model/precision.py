"""Which arithmetic a machine is good at: bf16 where it has the instructions, fp16 on other GPUs, fp32 elsewhere."""

from contextlib import AbstractContextManager

import torch
from torch import Tensor

NATIVE_BF16 = ("amx_bf16", "avx512_bf16", "arm_bf16")
TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def has_native_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 in hardware; emulation is slower than fp32 and never wanted."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return device.type == "cpu" and any(capabilities.get(name, False) for name in NATIVE_BF16)


def resolve(precision: str, device: torch.device) -> str:
    """What "auto" means on this device, a key of TYPES; any other answer unchanged.

    The answer depends on the hardware alone, never on a measurement, so that one machine always gives the same bytes.
    """
    if precision != "auto":
        return precision
    if has_native_bf16(device):
        return "bf16"
    return "fp16" if device.type == "cuda" else "fp32"


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """A context in which matrix products run in `precision`, a key of TYPES; weights stay fp32."""
    return torch.autocast(device.type, TYPES[precision], enabled=precision != "fp32")


def at_least_fp32(states: Tensor) -> Tensor:
    """What comes after the backbone is computed in fp32, whatever the backbone ran in."""
    return states if states.dtype == torch.float64 else states.float()
