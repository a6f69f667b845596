"""Stages importance and prune: what they write, twice the same, and that scores do not know the ratio."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from tiny_models import EN, RU

from headshrink.data.shards import write_shards
from headshrink.importance import load_scores
from headshrink.model import load_encoder, save_encoder
from headshrink.model.sites import widths
from headshrink.parameters.importance import ImportanceParams
from headshrink.parameters.prune import StagePruneParams
from tasks import importance, prune

SCORES = Path("artifacts/importance/scores.safetensors")


def parameters(criterion="obs", **pruning):
    loss = "teacher_distance" if criterion == "obs" else "translation_ranking"
    scoring = ImportanceParams(criterion=criterion, loss=loss, batches=3, batch_size=6)
    return scoring, StagePruneParams(**{"repair_pairs": 64, **pruning})


def prune_by_stage(**pruning):
    scoring, cuts = parameters(**pruning)
    prune.run(cuts, scoring)


@pytest.fixture
def workspace(tmp_path, monkeypatch, tiny_encoder) -> Path:
    """A workspace whose stages up to tokenize are done."""
    monkeypatch.chdir(tmp_path)
    for folder in (".work", "artifacts/corpus", "artifacts/shards"):
        Path(folder).mkdir(parents=True)
    for split in ("train", "heldout"):
        pd.DataFrame({"en": EN, "ru": RU}).to_parquet(f"artifacts/corpus/{split}.parquet")
    save_encoder(tiny_encoder, "artifacts/teacher")
    write_shards(Path("artifacts/corpus"), Path("artifacts/teacher/tokenizer.json"), Path("artifacts/shards"), 64, 2, 1)
    return tmp_path


@pytest.mark.parametrize("criterion", ["taylor", "obs"])
def test_importance_writes_scores_a_table_and_a_picture(workspace, criterion):
    importance.run(parameters(criterion)[0])
    scores = load_scores(SCORES)
    assert (scores.heads.shape, scores.ffn.shape) == ((2, 4), (2, 64))
    rows = list(csv.DictReader(Path("artifacts/importance/scores.csv").read_text().splitlines()))
    heads = [row for row in rows if row["kind"] == "heads"]
    assert sorted(int(row["rank"]) for row in heads) == list(range(1, 9))
    best = min(heads, key=lambda row: int(row["rank"]))
    assert scores.heads[int(best["layer"]), int(best["index"])] == scores.heads.max()
    assert len(rows) == 8 + 128
    assert Path("artifacts/importance/map.png").read_bytes().startswith(b"\x89PNG")
    convergence = json.loads(Path("artifacts/importance/convergence.json").read_text())
    assert convergence["batches"] == 3
    assert {-1 <= convergence[f"agreement_{kind}"] <= 1 for kind in ("heads", "ffn")} == {True}
    assert not Path(".work/importance").exists()


def test_the_same_inputs_give_the_same_bytes(workspace):
    outputs = []
    for _ in range(2):
        importance.run(parameters()[0])
        prune_by_stage()
        files = [
            file for name in ("importance", "pruned") for file in Path("artifacts", name).rglob("*") if file.is_file()
        ]
        outputs.append({str(file): file.read_bytes() for file in files})
    assert outputs[0] == outputs[1]


@pytest.mark.parametrize(
    ("pruning", "heads", "neurons"), [({}, 4, 64), ({"heads": 0.25, "steps": 2, "repair": "none"}, 6, 64)]
)
def test_prune_writes_the_model_that_its_record_describes(workspace, pruning, heads, neurons):
    importance.run(parameters()[0])
    prune_by_stage(**pruning)
    pruned = load_encoder("artifacts/pruned")
    assert (sum(widths(pruned.backbone, "heads")), sum(widths(pruned.backbone, "ffn"))) == (heads, neurons)
    record = json.loads(Path("artifacts/pruned/prune.json").read_text())
    assert [len(kept) for kept in record["ffn"]["kept"]] == widths(pruned.backbone, "ffn")
    assert record["heads"]["of"] == [4, 4]
    assert record["parameters"]["after"] == sum(weight.numel() for weight in pruned.parameters())
    assert record["settings"]["repair"] == pruning.get("repair", "full")


def test_prune_cuts_every_kind_to_its_share(workspace):
    importance.run(parameters()[0])
    prune_by_stage(layers=0.5, hidden=0.5, embedding=0.5)
    pruned = load_encoder("artifacts/pruned")
    record = json.loads(Path("artifacts/pruned/prune.json").read_text())
    assert pruned.backbone.config.num_hidden_layers == len(record["layers"]["kept"]) == 1
    assert pruned.backbone.config.hidden_size == len(record["hidden"]["kept"]) == record["hidden"]["of"] // 2
    assert [len(kept) for kept in record["heads"]["kept"] if kept] == widths(pruned.backbone, "heads")
    assert record["embedding_rank"] == pruned.backbone.config.embedding_rank


def test_a_budget_in_place_of_ratios_is_met_and_recorded(workspace):
    importance.run(parameters()[0])
    prune_by_stage(budget="parameters", budget_share=0.6, budget_cuts=["embedding"])
    pruned = load_encoder("artifacts/pruned")
    record = json.loads(Path("artifacts/pruned/prune.json").read_text())
    count = record["parameters"]
    assert count["after"] == sum(weight.numel() for weight in pruned.parameters())
    assert count["after"] / count["before"] <= 0.6
    assert record["settings"]["budget"] == "parameters"
    assert record["vocabulary"]["kept"] == record["vocabulary"]["of"]
