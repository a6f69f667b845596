"""The transformers folder with weights in fp16, half the bytes: for storing and for GPUs."""

import torch

from headshrink.exporting.targets.transformers import half_target

TARGET = half_target("fp16", torch.float16)
