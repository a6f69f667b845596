"""The transformers folder with weights in bf16, half the bytes and fp32's range; less exact than fp16."""

import torch

from headshrink.exporting.targets.transformers import half_target

TARGET = half_target("bf16", torch.bfloat16)
