"""One of the processes that `torch.distributed.run` starts on a folder of a teacher and a student: trains and saves."""

import sys
from pathlib import Path

import pytest
import torch
from tiny_training import SHARED, tiny_pairs

from headshrink.checkpoint import Checkpoints
from headshrink.distillation.processes import Processes
from headshrink.distillation.trainer import train as train_student
from headshrink.distillation.training_data import TrainingData
from headshrink.errors import HeadshrinkError
from headshrink.model import load_encoder

torch.set_num_threads(1)
folder = Path(sys.argv[1])
teacher, student = (load_encoder(folder / name) for name in ("teacher", "student"))
train, heldout = tiny_pairs(teacher, stop=40), tiny_pairs(teacher, start=40)
result = train_student(student, TrainingData(train, heldout), SHARED, Checkpoints(folder / "work"))
with pytest.raises(HeadshrinkError, match=r"accumulate = 1: .* 2 processes"):
    train_student(student, TrainingData(train, heldout), SHARED.__class__({"cosine": 1.0}, accumulate=1))
torch.save({"weights": student.state_dict(), "loss": result.best.loss}, folder / str(Processes().index))
