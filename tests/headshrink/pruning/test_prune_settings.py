"""From an encoder to a smaller one: in one step, in many, from the command line."""

import json

import pytest
import torch
import typer
from tiny_models import EN, RU
from typer.testing import CliRunner

from headshrink.api import training_batches
from headshrink.data.corpus import read_corpus
from headshrink.errors import HeadshrinkError
from headshrink.importance import pair_batches, score
from headshrink.model import load_encoder
from headshrink.model.sites import widths
from headshrink.options import with_options
from headshrink.parameters.importance import DEFAULTS
from headshrink.pruning import CutSettings, Plan, cut, prune, repair
from headshrink.pruning.command import main
from headshrink.pruning.fidelity import Fidelity, FidelityTest
from headshrink.pruning.layers import keep_layers

COSTS = ("--criterion", "obs", "--loss", "teacher_distance")


@pytest.fixture
def batches(tiny_encoder):
    ids = (tiny_encoder.tokenise(side) for side in (EN, RU))
    return list(pair_batches(*ids, tiny_encoder.tokenizer.pad_token_id, batches=3, batch_size=6))


def first_scores(encoder, batches):
    return score(encoder, batches, ["obs"], "teacher_distance")["obs"]


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("ranking", ["global", "layer"])
def test_the_ratio_is_met_and_the_plan_names_the_teachers_units(tiny_encoder, batches, steps, ranking):
    settings = CutSettings(0.5, 0.75, ranking, steps=steps, repair="none")
    pruned, plan = prune(tiny_encoder, settings, first_scores(tiny_encoder, batches), batches)
    assert (sum(widths(pruned.backbone, "heads")), sum(widths(pruned.backbone, "ffn"))) == (4, 32)
    assert abs(cut(tiny_encoder, plan).encode(EN) - pruned.encode(EN)).max() < 1e-5


def test_every_share_is_met_and_the_plan_names_what_stays(tiny_encoder, batches):
    shares = {"layers": 0.5, "hidden": 0.5, "embedding": 0.5, "heads": 0.25, "ffn": 0.75}
    counts = torch.ones(tiny_encoder.backbone.config.vocab_size)
    for steps in (1, 2):
        settings = CutSettings(**shares, steps=steps, repair="outputs")
        pruned, plan = prune(tiny_encoder, settings, first_scores(tiny_encoder, batches), batches, counts)
        config = pruned.backbone.config
        assert (config.num_hidden_layers, config.hidden_size, config.embedding_rank) == (1, 16, 8)
        assert (widths(pruned.backbone, "heads"), widths(pruned.backbone, "ffn")) == ([3], [16])
        (stays,) = plan.layers
        assert [len(units) for units in plan.heads] == [3 * (layer == stays) for layer in (0, 1)]
        assert len(plan.hidden) == 16
        assert pruned.encode(EN).shape == (len(EN), 32)


def test_no_layer_can_be_left(tiny_encoder, batches):
    with pytest.raises(HeadshrinkError, match=r"of 2 layers none would stay, at most 0\.50"):
        prune(tiny_encoder, CutSettings(layers=0.9), first_scores(tiny_encoder, batches), batches)


@pytest.mark.parametrize("method", ["bias", "outputs", "full"])
def test_repair_makes_up_for_a_layer_that_is_gone(tiny_encoder, batches, method):
    test = FidelityTest(tiny_encoder, EN, RU)
    plan = Plan([[], [0, 1, 2, 3]], [[], list(range(64))], layers=[1])
    short = keep_layers(tiny_encoder, plan.layers)
    before = test(short).cosine
    repair(tiny_encoder, short, plan, batches, method)
    assert test(short).cosine > before


def test_a_layer_that_does_nothing_can_go(tiny_encoder, batches):
    """Its blocks emptied and their LayerNorms the identity on what is normalised already: embeddings stay."""
    layer = tiny_encoder.backbone.encoder.layer[1]
    before = tiny_encoder.backbone.encoder.layer[0].output.LayerNorm
    with torch.no_grad():
        before.weight.fill_(1)
        before.bias.zero_()
        for block in (layer.attention.output, layer.output):
            for parameter in block.dense.parameters():
                parameter.zero_()
            block.LayerNorm.weight.fill_(1)
            block.LayerNorm.bias.zero_()
    scores = first_scores(tiny_encoder, batches)
    for method in ("none", "full"):
        pruned, plan = prune(tiny_encoder, CutSettings(0, 0, layers=0.5, repair=method), scores, batches)
        assert plan.layers == [0]
        assert abs(pruned.encode(EN) - tiny_encoder.encode(EN)).max() < 1e-4


def test_repair_after_the_cut_is_nearer_to_the_teacher_than_the_cut(tiny_encoder, batches):
    scores = first_scores(tiny_encoder, batches)
    test = FidelityTest(tiny_encoder, EN, RU)
    none, bias, outputs, full = (
        test(prune(tiny_encoder, CutSettings(repair=method), scores, batches)[0]).cosine
        for method in ("none", "bias", "outputs", "full")
    )
    assert none < bias < outputs < full


def test_recovery_runs_after_every_step(tiny_encoder, batches):
    seen: list[int] = []

    def recover(encoder) -> None:
        seen.append(sum(widths(encoder.backbone, "ffn")))

    settings = CutSettings(steps=2, repair="none", recover=recover)
    prune(tiny_encoder, settings, first_scores(tiny_encoder, batches), batches)
    assert seen == [round(128 * 0.5**0.5), 64]


def test_fidelity_of_the_teacher_to_itself_is_whole_and_the_gap_runs_from_floor_to_teacher(tiny_encoder):
    own = FidelityTest(tiny_encoder, EN, RU)(tiny_encoder)
    assert own.cosine == pytest.approx(1, abs=1e-5)
    assert own.rank_agreement == pytest.approx(1)
    floor, half = Fidelity(0.2, 0.4, 0.5), Fidelity(0.6, 0.7, 0.75)
    assert half.share_of_gap(floor, Fidelity(1.0, 1.0, 1.0)) == pytest.approx(
        {"cosine": 0.5, "rank_agreement": 0.5, "retrieval": 0.5}
    )


@pytest.fixture
def call(tiny_folder, tmp_path):
    (tmp_path / "pairs.tsv").write_text(
        "".join(f"{en}\t{ru}\n" for en, ru in zip(EN, RU, strict=True)), encoding="utf-8"
    )
    app = typer.Typer()
    app.command()(with_options(main))

    def run(*words):
        words = (tiny_folder, "--pairs", tmp_path / "pairs.tsv", "--out", tmp_path / "out", *words)
        return CliRunner().invoke(app, [str(word) for word in words])

    return run


def test_scores_and_repair_use_the_training_pairs_of_a_folder(tiny_encoder, tmp_path):
    """Held-out pairs stay unseen, so that a student distilled on the same folder is judged on new sentences."""
    (tmp_path / "pairs").mkdir()
    for name, end in (("a", ""), ("b", " big")):
        rows = [f"{en}{end}\t{ru}\t{name}\n" for en, ru in zip(EN, RU, strict=True)]
        (tmp_path / "pairs" / f"{name}.tsv").write_text("".join([*rows, "a cat\t\n"]), encoding="utf-8")
    corpus = read_corpus(tmp_path / "pairs")
    sides = [batch.en for batch in training_batches(tiny_encoder, corpus, batches=64, batch_size=32, seed=0)]
    rows = [(ids, mask.bool()) for side in sides for ids, mask in zip(side.input_ids, side.attention_mask, strict=True)]
    used = {tuple(ids[mask].tolist()) for ids, mask in rows}
    assert used <= set(map(tuple, tiny_encoder.tokenise([pair.en for pair in corpus.train])))
    assert corpus.heldout


def test_command_writes_a_smaller_model_that_loads(call, tmp_path):
    result = call("--ratio", 0.5, "--heads", 0.25)
    assert result.exit_code == 0, result.output
    pruned = load_encoder(tmp_path / "out")
    assert (sum(widths(pruned.backbone, "heads")), sum(widths(pruned.backbone, "ffn"))) == (6, 64)
    record = json.loads((tmp_path / "out" / "prune.json").read_text())
    assert [len(kept) for kept in record["heads"]["kept"]] == widths(pruned.backbone, "heads")
    assert record["settings"]["criterion"] == DEFAULTS.criterion
    assert record["parameters"]["after"] == sum(weight.numel() for weight in pruned.parameters())


def test_command_cuts_every_kind_to_its_ratio(call, tmp_path):
    shares = ("--layers", 0.5, "--hidden", 0.5, "--embedding", 0.5, "--vocabulary", 0.1)
    result = call("--ratio", 0.5, *shares)
    assert result.exit_code == 0, result.output
    pruned, record = load_encoder(tmp_path / "out"), json.loads((tmp_path / "out" / "prune.json").read_text())
    assert (pruned.backbone.config.num_hidden_layers, pruned.backbone.config.hidden_size) == (1, 16)
    assert record["layers"]["of"] == 2
    assert len(record["layers"]["kept"]) == 1
    assert record["embedding_rank"] == 8
    assert record["vocabulary"]["kept"] < record["vocabulary"]["of"]
    assert record["settings"]["vocabulary"] == 0.1
    assert pruned.encode(EN).shape == (len(EN), 32)


def test_command_keeps_to_a_budget_with_every_kind_of_cut(call, tmp_path):
    cuts = "hidden,embedding,vocabulary"
    result = call(*COSTS, "--budget", "parameters", "--budget-share", 0.5, "--budget-cuts", cuts)
    assert result.exit_code == 0, result.output
    record = json.loads((tmp_path / "out" / "prune.json").read_text())
    assert record["parameters"]["after"] <= 0.5 * record["parameters"]["before"]
    assert load_encoder(tmp_path / "out").encode(EN).shape == (len(EN), 32)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--ratio", 1.0), "ratio = 1.0: Input should be less than 1"),
        (("--ratio", 0.75, "--ranking", "layer", "--min-units-per-layer", 2), "leaves 1 heads in layer 0: at least 2"),
        (("--criterion", "best"), "criterion = 'best': allowed: fisher"),
        (("--loss", "none"), "loss = 'none': allowed: similarity"),
        ((*COSTS, "--budget", "parameters", "--budget-share", 0.01), "the smallest is"),
        (("--budget-cuts", "hidden,depth"), "budget_cuts.1 = 'depth': Input should be 'hidden', 'embedding' or"),
        (("--budget", "flops", "--criterion", "taylor"), "scores that are costs are needed, criterion fisher or obs"),
    ],
)
def test_a_users_mistake_is_one_line(call, tmp_path, words, message):
    result = call(*words)
    assert isinstance(result.exception, HeadshrinkError)
    assert "\n" not in str(result.exception)
    with pytest.raises(HeadshrinkError, match=message):
        raise result.exception
    assert not (tmp_path / "out").exists()
