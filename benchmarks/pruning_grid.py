"""What every way of pruning keeps before any training: the held-out grid, as tables, JSON, CSV and curves.

Each variant (criterion, ratio, steps, repair, pairs that repair fits on) of a teacher is scored against the teacher on
held-out pairs, between the floor, the same model with every head and neuron cut, and the teacher itself. Whole layers
dropped are the baseline. A killed run goes on where it stood: variants with a row in grid.json are not computed again.
The models that `pruning_suite` puts through encodechka are left in the work folder.

    python -m benchmarks.pruning_grid --teacher FOLDER --pairs FOLDER --suite FOLDER --out reports/pruning
"""

import argparse
import csv
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, Literal

from benchmarks import _pruning as shared
from benchmarks._pruning import MADE_FOR
from headshrink.importance import Scores
from headshrink.model import SentenceEncoder, load_encoder, save_encoder
from headshrink.pruning import Plan, Recipe, cut, prune
from headshrink.pruning.fidelity import Fidelity, FidelityTest
from headshrink.pruning.record import parameters
from headshrink.pruning.repair import Method
from headshrink.text.pairs import spread

REPAIRED = ("obs", "fisher", "taylor", "random")
ITERATED = ("obs",)
FIGURES = ("cosine", "rank_agreement", "retrieval")


@dataclass(frozen=True)
class Variant:
    """One way of pruning."""

    criterion: str
    ratio: float
    steps: int
    repair: Method | Literal["none"]
    pairs: int

    @property
    def name(self) -> str:
        steps = f", {self.steps} steps" if self.steps > 1 else ""
        fitted = f", repair {self.repair} on {self.pairs} pairs" if self.repair != "none" else ", no repair"
        return f"{self.criterion} {self.ratio:g}{steps}{fitted}"


def variants(arguments: argparse.Namespace) -> Iterator[Variant]:
    """The grid, the most telling rows first."""
    few, ratios = arguments.repair, sorted(arguments.ratios, key=lambda ratio: abs(ratio - 0.5))
    for ratio in ratios:
        for criterion in MADE_FOR:
            yield Variant(criterion, ratio, 1, "none", 0)
    for ratio in (ratio for ratio in ratios if ratio in arguments.repaired):
        for criterion in REPAIRED:
            yield Variant(criterion, ratio, 1, "full", few)
        yield Variant("obs", ratio, 1, "outputs", few)
        yield Variant("obs", ratio, 1, "bias", few)
        for criterion in ITERATED:
            yield Variant(criterion, ratio, arguments.steps, "full", few)
    for pairs in arguments.text[:-1]:
        yield Variant("obs", 0.5, 1, "full", pairs)
    for ratio in ratios:
        yield Variant("obs", ratio, 1, "full", arguments.text[-1])


class Rows:
    """The rows there are so far, as grid.json holds them, and what they were measured on."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.rows: dict[str, dict[str, Any]] = {}
        self.described: dict[str, Any] = {}
        if (out / "grid.json").is_file():
            content = json.loads((out / "grid.json").read_text(encoding="utf-8"))
            self.rows, self.described = content["rows"], content["about"]

    def gaps(self, row: dict[str, Any]) -> dict[str, float]:
        """Shares of the gap from floor to teacher."""
        own, floor, teacher = (
            Fidelity(*(one[key] for key in FIGURES)) for one in (row, self.rows["floor"], self.rows["teacher"])
        )
        return own.share_of_gap(floor, teacher)

    def chosen(self, **what: Any) -> list[dict[str, Any]]:
        """The rows of which all this is true, by ratio."""
        found = [row for row in self.rows.values() if all(row.get(key) == value for key, value in what.items())]
        return sorted(found, key=lambda row: (row["ratio"], row.get("pairs", 0)))


class Grid(Rows):
    """Everything that the variants share."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__(arguments.out)
        self.work = arguments.work
        self.teacher = load_encoder(arguments.teacher)
        self.train, heldout = shared.corpus(self.work, arguments.pairs, arguments.suite)
        heldout = spread(heldout, arguments.heldout)
        self.test = FidelityTest(self.teacher, *([pair[side] for pair in heldout] for side in (0, 1)))
        self.scoring = shared.batches(self.teacher, self.train, arguments.scoring, seed=1)
        self.longest_text = arguments.text[-1]
        self.described = shared.about(
            teacher=arguments.teacher.name,
            pairs=f"{arguments.pairs.name}, {len(heldout)} held out",
            scored_on=f"{arguments.scoring} pairs",
        )

    def measure(self, name: str, encoder: SentenceEncoder, seconds: float, **what: Any) -> None:
        """Add an encoder's row, write all rows, and leave the encoder for the suite."""
        row = what | asdict(self.test(encoder)) | {"parameters": parameters(encoder), "seconds": round(seconds, 1)}
        self.rows[name] = row
        print(name, {key: round(value, 4) for key, value in row.items() if isinstance(value, float)}, flush=True)
        content = json.dumps({"about": self.described, "rows": self.rows}, indent=1)
        (self.out / "grid.json").write_text(content + "\n", encoding="utf-8")
        if what.get("ratio", 0.5) == 0.5 or what.get("pairs") == self.longest_text or what.get("criterion") == "layers":
            save_encoder(encoder, self.work / "models" / name)

    def run(self, variant: Variant) -> None:
        loss, ranking = MADE_FOR[variant.criterion]
        recipe = Recipe(
            variant.ratio, variant.ratio, ranking, criterion=variant.criterion, loss=loss,
            steps=variant.steps, repair=variant.repair,
        )  # fmt: skip
        text = shared.batches(self.teacher, self.train, variant.pairs, seed=2) if variant.pairs else []
        started = time.perf_counter()
        pruned, _ = prune(self.teacher, recipe, self.scored(variant.criterion), text)
        self.measure(variant.name, pruned, time.perf_counter() - started, **asdict(variant))

    def bounds(self, few: int) -> None:
        """Teacher, floor, and whole layers dropped, as they are and repaired on `few` pairs."""
        layers = len(self.teacher.backbone.encoder.layer)
        empty: list[list[int]] = [[] for _ in range(layers)]
        if "teacher" not in self.rows:
            self.measure("teacher", self.teacher, 0.0)
        if "floor" not in self.rows:
            self.measure("floor", cut(self.teacher, Plan(empty, empty)), 0.0)
        text = shared.batches(self.teacher, self.train, few, seed=2)
        methods: tuple[Literal["none", "full"], ...] = ("none", "full")
        for count, repair in product(range(layers - 1, 0, -2), methods):
            name = f"{count} of {layers} layers" + (f", repair full on {few} pairs" if repair == "full" else "")
            if name not in self.rows:
                recipe = Recipe(0, 0, layers=1 - count / layers, repair=repair)
                started = time.perf_counter()
                short, _ = prune(self.teacher, recipe, self.scored("obs"), text)
                seconds = time.perf_counter() - started
                self.measure(name, short, seconds, criterion="layers", ratio=1 - count / layers, repair=repair)

    def scored(self, criterion: str) -> Scores:
        return shared.scores(self.work, self.teacher, self.scoring, criterion)


def write_tables(grid: Rows) -> None:
    """grid.md and grid.csv: every variant with the share of the gap that it keeps."""
    lines = ["# Pruned only, no training", "", shared.headline(grid.described), ""]
    lines += [
        "Gap: (pruned - floor) / (teacher - floor); floor: every head and neuron cut, which leaves a bag of words."
    ]
    lines += [
        "",
        "| model | parameters, M | cosine | rank agreement | retrieval | gap: cosine | rank | retrieval | s |",
    ]
    lines += ["|---|--:|--:|--:|--:|--:|--:|--:|--:|"]
    order = sorted(grid.rows, key=lambda name: (grid.rows[name].get("ratio", 0.0), -grid.rows[name]["rank_agreement"]))
    with (grid.out / "grid.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["model", "ratio", "parameters", *FIGURES, *(f"gap_{key}" for key in FIGURES), "seconds"])
        for name in order:
            row, gaps = grid.rows[name], grid.gaps(grid.rows[name])
            figures = [f"{row[key]:.4f}" for key in FIGURES]
            cells = [f"{row['parameters'] / 1e6:.2f}", *figures, *(f"{share:.1%}" for share in gaps.values())]
            lines.append(f"| {name} | {' | '.join(cells)} | {row['seconds']:.0f} |")
            shares = [f"{share:.4f}" for share in gaps.values()]
            table.writerow([name, row.get("ratio", ""), row["parameters"], *figures, *shares, row["seconds"]])
    (grid.out / "grid.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def draw_curves(grid: Rows, few: int) -> None:
    """grid.png: share of the gap in rank agreement against the ratio, without and with repair, and against text."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    plain, repaired, text = figure.subplots(1, 3, sharey=True)
    for number, criterion in enumerate(MADE_FOR):
        for axes, what in ((plain, {"repair": "none"}), (repaired, {"repair": "full", "pairs": few})):
            rows = grid.chosen(criterion=criterion, steps=1, **what)
            if rows:
                ratios = [0.0, *(row["ratio"] for row in rows)]
                shares = [1.0, *(grid.gaps(row)["rank_agreement"] for row in rows)]
                axes.plot(ratios, shares, "o-", color=f"C{number}", label=criterion, markersize=4)
    for axes, repair in ((plain, "none"), (repaired, "full")):
        dropped = grid.chosen(criterion="layers", repair=repair)
        shares = [grid.gaps(row)["rank_agreement"] for row in dropped]
        axes.plot([row["ratio"] for row in dropped], shares, "kx--", label="whole layers")
        axes.set(xlabel="share of heads and of FFN neurons cut")
    rows = grid.chosen(criterion="obs", ratio=0.5, steps=1, repair="full")
    for key, style in (("rank_agreement", "o-"), ("cosine", "s--"), ("retrieval", "^:")):
        label = key.replace("_", " ")
        text.plot([row["pairs"] for row in rows], [grid.gaps(row)[key] for row in rows], style, color="C0", label=label)
    for none in grid.chosen(criterion="obs", ratio=0.5, repair="none"):
        text.axhline(grid.gaps(none)["rank_agreement"], color="grey", linewidth=0.8, label="rank agreement, no repair")
    text.set(xscale="log", xlabel="pairs that repair fits on", title="obs, half cut, repair full")
    plain.set(title="no repair", ylabel="share of the gap from floor to teacher")
    repaired.set_title(f"repair full on {few} pairs")
    plain.set_ylim(-0.15, 1.05)
    plain.legend(fontsize="small")
    counts = [row["pairs"] for row in rows]
    text.set_xticks(counts, [str(count) for count in counts])
    text.set_xticks([], minor=True)
    text.legend(fontsize="small")
    described = grid.described
    figure.suptitle(f"{described['teacher']}, {described['pairs']}: pruned only; rank agreement", fontsize="medium")
    figure.savefig(grid.out / "grid.png", dpi=130, metadata={"Software": None})


def main() -> None:
    parser = shared.options(__doc__)
    parser.add_argument("--ratios", type=float, nargs="+", default=[0.25, 0.5, 0.75])
    parser.add_argument("--repaired", type=float, nargs="+", default=[0.5, 0.75], help="with every repair")
    parser.add_argument("--steps", type=int, default=3, help="of the iterative variants")
    parser.add_argument("--heldout", type=int, default=300, help="held-out pairs")
    parser.add_argument("--scoring", type=int, default=512, help="pairs that criteria score on")
    parser.add_argument("--repair", type=int, default=192, help="pairs that repair fits on in the grid")
    parser.add_argument("--text", type=int, nargs="+", default=[32, 96, 512, 1024, 3072], help="curve over text")
    parser.add_argument("--only", help="only variants whose name begins so; - for none, the tables alone")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.only != "-":
        grid = Grid(arguments)
        grid.bounds(arguments.repair)
        for variant in variants(arguments):
            if variant.name not in grid.rows and variant.name.startswith(arguments.only or ""):
                grid.run(variant)
                write_tables(grid)
    rows = Rows(arguments.out)
    write_tables(rows)
    draw_curves(rows, arguments.repair)


if __name__ == "__main__":
    main()
