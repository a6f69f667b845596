"""The fast benchmark against the plain protocol on rows of the demo suite."""

import json
from pathlib import Path

import pandas as pd
import pytest
from naive_encodechka import evaluate as naive
from test_protocol_parity import SHAPES

from demo.suite import write_demo_suite
from headshrink.benchmarking.evaluate import evaluate
from headshrink.benchmarking.models import TorchModel
from headshrink.benchmarking.read import Suite, open_suite
from headshrink.benchmarking.suite import TASKS
from headshrink.model import SentenceEncoder

ROWS = 40  # of each file: the plain protocol is slow, and every task's shape is in so many


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    folder = tmp_path_factory.mktemp("demo")
    write_demo_suite(folder, seed=0)
    for path in folder.glob("*.csv"):
        table = pd.read_csv(path)
        table.sample(min(ROWS, len(table)), random_state=0).to_csv(path, index=False)
    for path in folder.glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        path.write_text(json.dumps({key: rows[:ROWS] for key, rows in data.items()}), encoding="utf-8")
    return open_suite(folder)


@pytest.mark.parametrize("shape", SHAPES)
def test_every_task_and_pooling_of_the_demo_suite_equals_the_plain_protocol(
    shape: str, tiny_encoder: SentenceEncoder, demo: Suite
):
    encoder = SHAPES[shape](tiny_encoder)
    for task, result in evaluate(TorchModel(shape, encoder, Path()), demo, list(TASKS), batch_size=1).items():
        found = {variant: outcome.score() for variant, outcome in result.protocol.items()}
        assert found == pytest.approx(naive(encoder, demo.folder, task), abs=1e-9), task
