"""What every way of pruning keeps before any training: the held-out grid, as a table, JSON and curves.

Each variant (criterion, ratio, steps, repair) of a teacher is scored against the teacher on held-out pairs, between the
floor, the same model with every head and neuron cut, and the teacher itself. Whole layers dropped are the baseline.
A killed run goes on where it stood; variants with a row in the JSON are not computed again.

    python -m benchmarks.pruning_grid --teacher FOLDER --pairs FOLDER --suite FOLDER --out reports/pruning
"""

import argparse
import json
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import torch

from headshrink.corpus import Limits, SuiteIndex, build_corpus, suite_sentences
from headshrink.corpus.sources.parallel import Parallel
from headshrink.importance import PairBatch, Scores, pair_batches, score
from headshrink.model import SentenceEncoder, load_encoder
from headshrink.prune import Plan, Recipe, cut, prune
from headshrink.prune.fidelity import FidelityTest
from headshrink.prune.layers import choose_layers, keep_layers
from headshrink.prune.plan import Ranking
from headshrink.prune.record import parameters
from headshrink.prune.repair import Method

# The loss that each criterion is made for, and the ranking.
MADE_FOR: dict[str, tuple[str, Ranking]] = {
    "obs": ("teacher_distance", "global"),
    "fisher": ("teacher_distance", "global"),
    "taylor": ("translation_ranking", "global"),
    "michel": ("translation_ranking", "global"),
    "taylor_signed": ("similarity", "layer"),
    "magnitude": ("translation_ranking", "layer"),
    "random": ("translation_ranking", "layer"),
}
ITERATED = ("obs", "fisher", "taylor")
LIMITS = Limits(max_chars=200)  # long sentences cost most and say least


Rows = list[list[int]]


@dataclass(frozen=True)
class Variant:
    """One way of pruning."""

    criterion: str
    ratio: float
    steps: int
    repair: Method | Literal["none"]

    @property
    def name(self) -> str:
        return f"{self.criterion} {self.ratio} steps={self.steps} repair={self.repair}"


def variants(ratios: list[float], steps: int) -> Iterator[Variant]:
    """The grid, the most telling rows first."""
    for ratio in sorted(ratios, key=lambda ratio: abs(ratio - 0.5)):
        for criterion in MADE_FOR:
            yield Variant(criterion, ratio, 1, "full")
            yield Variant(criterion, ratio, 1, "none")
        for criterion in ITERATED:
            yield Variant(criterion, ratio, steps, "full")
        yield Variant("obs", ratio, 1, "bias")


class Grid:
    """Everything that the variants share, and the rows there are so far."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.out: Path = arguments.out
        self.teacher = load_encoder(arguments.teacher)
        suite = SuiteIndex(suite_sentences(arguments.suite) if arguments.suite else [])
        corpus = build_corpus(Parallel(arguments.pairs), LIMITS, suite, heldout_percent=5)
        heldout = corpus.heldout[:: max(1, len(corpus.heldout) // arguments.heldout)][: arguments.heldout]
        self.test = FidelityTest(self.teacher, [pair.en for pair in heldout], [pair.ru for pair in heldout])
        en, ru = (self.teacher.tokenise([getattr(pair, side) for pair in corpus.train]) for side in ("en", "ru"))
        self.scoring = self.draw(en, ru, arguments.scoring, seed=1)
        self.text = self.draw(en, ru, arguments.repair, seed=2)
        self.scores: dict[str, Scores] = {}
        self.rows: dict[str, dict[str, Any]] = {}
        self.described = {
            "teacher": arguments.teacher.name,
            "pairs": f"{arguments.pairs.name}, held out {len(heldout)}",
            "scoring_pairs": arguments.scoring,
            "repair_pairs": arguments.repair,
            "machine": platform.processor() or platform.machine(),
            "threads": torch.get_num_threads(),
            "date": date.today().isoformat(),
        }

    def draw(self, en: Rows, ru: Rows, pairs: int, seed: int) -> list[PairBatch]:
        return list(pair_batches(en, ru, self.teacher.tokenizer.pad_token_id, max(1, pairs // 32), 32, seed))

    def score(self, criterion: str) -> Scores:
        if criterion not in self.scores:
            loss = MADE_FOR[criterion][0]
            together = [name for name in ("obs", "fisher") if name == criterion or criterion in ("obs", "fisher")]
            self.scores |= score(self.teacher, self.scoring, together or [criterion], loss)
        return self.scores[criterion]

    def measure(self, name: str, encoder: SentenceEncoder, seconds: float, **what: Any) -> None:
        """Add an encoder's row and write all rows."""
        row = what | asdict(self.test(encoder)) | {"parameters": parameters(encoder), "seconds": round(seconds, 1)}
        self.rows[name] = row
        print(name, {key: round(value, 4) for key, value in row.items() if isinstance(value, float)}, flush=True)
        content = json.dumps({"about": self.described, "rows": self.rows}, indent=1)
        (self.out / "grid.json").write_text(content + "\n", encoding="utf-8")

    def run(self, variant: Variant) -> None:
        loss, ranking = MADE_FOR[variant.criterion]
        recipe = Recipe(
            variant.ratio, variant.ratio, ranking, criterion=variant.criterion, loss=loss,
            steps=variant.steps, repair=variant.repair,
        )  # fmt: skip
        scores = self.score(variant.criterion)
        started = time.perf_counter()
        pruned, _ = prune(self.teacher, recipe, scores, self.text)
        self.measure(variant.name, pruned, time.perf_counter() - started, **asdict(variant))

    def bounds(self) -> None:
        """Teacher, floor, and whole layers dropped."""
        layers = len(self.teacher.backbone.encoder.layer)
        empty: list[list[int]] = [[] for _ in range(layers)]
        if "teacher" not in self.rows:
            self.measure("teacher", self.teacher, 0.0)
        if "floor" not in self.rows:
            self.measure("floor", cut(self.teacher, Plan(empty, empty)), 0.0)
        for count in range(layers - 1, 0, -2):
            name = f"{count} of {layers} layers"
            if name not in self.rows:
                kept = choose_layers(self.teacher, count, self.scoring[:4])
                self.measure(name, keep_layers(self.teacher, kept), 0.0, criterion="layers", ratio=1 - count / layers)


def write_table(grid: Grid) -> None:
    """grid.md: every variant with the share of the gap that it keeps."""
    from headshrink.prune.fidelity import Fidelity

    figures = ("cosine", "rank_agreement", "retrieval")
    teacher, floor = (Fidelity(*(grid.rows[name][key] for key in figures)) for name in ("teacher", "floor"))
    about = "; ".join(f"{key.replace('_', ' ')}: {value}" for key, value in grid.described.items())
    lines = ["# Pruned only, no training", "", about, ""]
    lines += ["Share of the gap = (pruned - floor) / (teacher - floor); floor: every head and neuron cut.", ""]
    lines += ["| model | parameters, M | cosine | rank agreement | retrieval | gap: cosine | rank | retrieval | s |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for name, row in grid.rows.items():
        own = Fidelity(*(row[key] for key in figures))
        cells = [f"{row['parameters'] / 1e6:.2f}", *(f"{row[key]:.4f}" for key in figures)]
        cells += [f"{share:.1%}" for share in own.share_of_gap(floor, teacher).values()]
        lines.append(f"| {name} | {' | '.join(cells)} | {row['seconds']:.0f} |")
    (grid.out / "grid.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw_curves(grid: Grid) -> None:
    """grid.png: rank agreement against ratio, a line a criterion, with and without repair."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, repair in zip(panels, ("none", "full"), strict=True):
        for number, criterion in enumerate(MADE_FOR):
            rows = [
                r
                for r in grid.rows.values()
                if (r.get("criterion"), r.get("steps"), r.get("repair")) == (criterion, 1, repair)
            ]
            rows.sort(key=lambda row: row["ratio"])
            ratios = [0.0, *(row["ratio"] for row in rows)]
            axes.plot(
                ratios, [1.0, *(row["rank_agreement"] for row in rows)], "o-", color=f"C{number}", label=criterion
            )
        dropped = sorted(
            (r["ratio"], r["rank_agreement"]) for r in grid.rows.values() if r.get("criterion") == "layers"
        )
        axes.plot(*zip((0.0, 1.0), *dropped, strict=True), "k:", label="whole layers")
        axes.axhline(grid.rows["floor"]["rank_agreement"], color="grey", linewidth=0.8)
        axes.set(xlabel="share of heads and FFN neurons cut", title=f"repair: {repair}")
    panels[0].set_ylabel("rank agreement with the teacher, held out")
    panels[1].legend(fontsize="small")
    figure.suptitle(f"{grid.described['teacher']}, {grid.described['pairs']}: pruned only, no training")
    figure.savefig(grid.out / "grid.png", dpi=150, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--pairs", type=Path, required=True, help="TSV, aligned files or a folder of them")
    parser.add_argument("--suite", type=Path, help="the benchmark's data, whose sentences no pair may hold")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.25, 0.5, 0.75])
    parser.add_argument("--steps", type=int, default=4, help="of the iterative variants")
    parser.add_argument("--heldout", type=int, default=500, help="held-out pairs")
    parser.add_argument("--scoring", type=int, default=512, help="pairs that criteria score on")
    parser.add_argument("--repair", type=int, default=1500, help="pairs that repair fits on")
    parser.add_argument("--only", help="only variants whose name begins so")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    grid = Grid(arguments)
    if (arguments.out / "grid.json").is_file():
        grid.rows = json.loads((arguments.out / "grid.json").read_text(encoding="utf-8"))["rows"]
    grid.bounds()
    for variant in variants(arguments.ratios, arguments.steps):
        if variant.name not in grid.rows and variant.name.startswith(arguments.only or ""):
            grid.run(variant)
    write_table(grid)
    draw_curves(grid)


if __name__ == "__main__":
    main()
