"""Does each criterion estimate what it says? Scores of all heads against what closing each head really does.

Truth is measured head by head: the gate closes, the same batches run again. Per head: the mean over batches of the
absolute change of the translation-ranking loss, its signed mean, and half the mean squared change of the embeddings.

    python -m benchmarks.gate_truth --teacher FOLDER --pairs FOLDER --out reports/pruning
"""

import argparse
import json
import platform
from datetime import date
from pathlib import Path

import numpy as np
import torch

from headshrink.corpus import Limits, SuiteIndex, build_corpus, suite_sentences
from headshrink.corpus.sources.parallel import Parallel
from headshrink.importance import PairBatch, pair_batches, score
from headshrink.importance.criteria import CRITERIA
from headshrink.importance.losses import LOSSES
from headshrink.model import SentenceEncoder, load_encoder
from headshrink.model.sites import Site, sites
from headshrink.progress import track
from headshrink.prune.fidelity import spearman

TRUTHS = ("mean |change of ranking loss|", "mean change of ranking loss", "squared change of embedding / 2")
RANKED_BY = {"translation_ranking": ("taylor", "michel", "fisher"), "teacher_distance": ("fisher", "obs")}
RANDOM_SEEDS = 20


@torch.inference_mode()
def embed(encoder: SentenceEncoder, batches: list[PairBatch]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Embeddings of both sides of every batch."""
    return [
        (encoder(b.en.input_ids, b.en.attention_mask), encoder(b.ru.input_ids, b.ru.attention_mask)) for b in batches
    ]


def ranking_losses(embeddings: list[tuple[torch.Tensor, torch.Tensor]]) -> np.ndarray:
    """Translation-ranking loss of each batch, a mean over its pairs."""
    unused = torch.Generator()
    return np.array([float(LOSSES["translation_ranking"](en, ru, unused)) / len(en) for en, ru in embeddings])


def truth_of(encoder: SentenceEncoder, site: Site, head: int, batches: list[PairBatch], whole: list) -> list[float]:
    """The three TRUTHS of closing one head."""
    gate = torch.ones(site.units * site.unit_width)
    gate[head * site.unit_width : (head + 1) * site.unit_width] = 0
    handle = site.dense.register_forward_pre_hook(lambda _, inputs: (inputs[0] * gate,))
    closed = embed(encoder, batches)
    handle.remove()
    change = ranking_losses(closed) - ranking_losses(whole)
    moved = [
        (one - other).square().sum(1)
        for a, b in zip(closed, whole, strict=True)
        for one, other in zip(a, b, strict=True)
    ]
    return [float(np.abs(change).mean()), float(change.mean()), float(torch.cat(moved).mean()) / 2]


def correlations(scores: torch.Tensor, truth: np.ndarray) -> dict[str, float]:
    """Spearman's correlation of scores [layers, heads] with each column of truth [layers * heads, 3]."""
    return {name: spearman(scores.flatten().numpy(), truth[:, i]) for i, name in enumerate(TRUTHS)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help="TSV, aligned files or a folder of them")
    parser.add_argument("--suite", type=Path, help="the benchmark's data, whose sentences no pair may hold")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--batches", type=int, default=16, help="of 32 pairs, for scores and truth alike")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    encoder = load_encoder(arguments.teacher)
    suite = SuiteIndex(suite_sentences(arguments.suite) if arguments.suite else [])
    train = build_corpus(Parallel(arguments.pairs), Limits(max_chars=200), suite, heldout_percent=5).train
    en, ru = (encoder.tokenise([getattr(pair, side) for pair in train]) for side in ("en", "ru"))
    batches = list(pair_batches(en, ru, encoder.tokenizer.pad_token_id, arguments.batches, 32))
    rows: dict[str, dict[str, float]] = {}
    whole = embed(encoder, batches)
    heads = [(site, head) for site in sites(encoder.backbone) if site.kind == "heads" for head in range(site.units)]
    truth = np.array([truth_of(encoder, site, head, batches, whole) for site, head in track(heads, "closing heads")])
    for loss, names in RANKED_BY.items():
        rows |= {
            f"{name}, {loss}": correlations(found.heads, truth)
            for name, found in score(encoder, batches, names, loss).items()
        }
    signed = score(encoder, batches, ["taylor_signed"], "similarity")["taylor_signed"]
    rows["taylor_signed, similarity"] = correlations(signed.heads, truth)
    rows["magnitude"] = correlations(score(encoder, [], ["magnitude"])["magnitude"].heads, truth)
    drawn = [
        correlations(score(encoder, [], ["random"], seed=seed)["random"].heads, truth) for seed in range(RANDOM_SEEDS)
    ]
    rows[f"random, mean of {RANDOM_SEEDS}"] = {name: float(np.mean([one[name] for one in drawn])) for name in TRUTHS}
    assert {name.split(",")[0] for name in rows} == set(CRITERIA)
    write(arguments, rows, len(heads), len(train))


def write(arguments: argparse.Namespace, rows: dict[str, dict[str, float]], heads: int, pairs: int) -> None:
    """truth.json and truth.md."""
    about = {
        "teacher": arguments.teacher.name,
        "heads": heads,
        "pairs": f"{arguments.pairs.name}, {32 * arguments.batches} of {pairs} training pairs",
        "machine": platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "date": date.today().isoformat(),
    }
    content = json.dumps({"about": about, "rows": rows}, indent=1)
    (arguments.out / "truth.json").write_text(content + "\n", encoding="utf-8")
    lines = ["# Scores of heads against the truth (Spearman)", "", "; ".join(f"{k}: {v}" for k, v in about.items()), ""]
    lines += [
        f"| criterion, loss | {' | '.join(TRUTHS)} |".replace("|change", "\\|change").replace("loss| ", "loss\\| ")
    ]
    lines += ["|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(f'{row[truth]:.3f}' for truth in TRUTHS)} |" for name, row in rows.items()]
    (arguments.out / "truth.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
