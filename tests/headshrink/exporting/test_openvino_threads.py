"""OpenVINO's first calls: several threads at once must not block one another."""

import os
import subprocess
import sys

import pytest

from headshrink.exporting import TARGETS, Options, Original

PROGRAM = """
import sys
from headshrink.exporting.openvino_encoder import OpenVinoEncoder
sys.setswitchinterval(1e-6)
for _ in range(5):
    OpenVinoEncoder(sys.argv[1], workers=4).encode(["the man", "a dog sleeps", "a", "кошка спит"] * 4, batch_size=1)
"""


def test_concurrent_first_calls_end(exported, tmp_path):
    pytest.importorskip("openvino")
    TARGETS["openvino"].write(Original(exported[0]), tmp_path, Options())
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], timeout=60, check=True, env=environment)
