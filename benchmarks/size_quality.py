"""Quality against size and latency of any models that one run of `headshrink benchmark` measured.

The first model is the teacher, whose weights count in fp32 however its file holds them. Writes `size.png`, and
`size.md` with the same figures, smallest model first.

    headshrink benchmark teacher=FOLDER half=FOLDER tenth=FOLDER --suite FOLDER --out RUN.json
    python -m benchmarks.size_quality RUN.json --out FOLDER
"""

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from headshrink.report.figures._style import FAINT, INK, new_figure, rule, save
from headshrink.report.figures.tradeoff import front, scale, span

COSTS = {"weights_mb": "weights, MB", "latency_ratio": "latency at batch 1, one thread, of the teacher's"}
BYTES_OF_FP32 = 4
ENOUGH = 0.995  # of the teacher's mean S: the dashed line


def points(run: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Mean S, size, and latency as a ratio of every model of a run, by name."""
    quality, cost = run["quality"], run["cost"]
    teacher = next(iter(quality))
    found = {}
    for name, scores in quality.items():
        megabytes = cost[name]["weights_mb"]
        if name == teacher:
            megabytes = max(megabytes, cost[name].get("parameters", 0) * BYTES_OF_FP32 / 1e6)
        found[name] = {
            "mean_s": scores["mean_s"],
            "weights_mb": megabytes,
            "latency_ratio": cost[name]["latency_ratio_b1"],
        }
    return found


def draw(found: dict[str, dict[str, float]]) -> Figure:
    figure = new_figure(3.4)
    panels = figure.subplots(1, len(COSTS), sharey=True)
    panels[0].set_ylabel("mean S of encodechka")
    panels[0].set_ylim(*span([point["mean_s"] for point in found.values()]))
    for axes, (key, label) in zip(panels, COSTS.items(), strict=True):
        places = {name: (point[key], point["mean_s"]) for name, point in found.items()}
        scale(axes, [cost for cost, _ in places.values()])
        front(axes, places)
        axes.axhline(ENOUGH * next(iter(places.values()))[1], color=FAINT, linewidth=0.8, linestyle="--")
        for i, name in enumerate(sorted(places, key=lambda name: places[name])):
            axes.plot(*places[name], "o", color=INK, markersize=5, markeredgecolor="white", zorder=3)
            above = 7 if i % 2 else -8  # neighbours' names do not meet
            axes.annotate(
                name, places[name], (0, above), textcoords="offset points", ha="center", va="center", fontsize=6
            )
        axes.set_xlabel(label)
        rule(axes, "both")
    return figure


def table(found: dict[str, dict[str, float]], headline: str) -> str:
    teacher = next(iter(found.values()))
    lines = ["# Quality against size and latency", "", headline, ""]
    lines += ["| model | weights, MB | times smaller | latency ratio | mean S | of the teacher's |"]
    lines += ["|---|--:|--:|--:|--:|--:|"]
    for name, point in sorted(found.items(), key=lambda item: item[1]["weights_mb"]):
        smaller, share = teacher["weights_mb"] / point["weights_mb"], point["mean_s"] / teacher["mean_s"]
        cells = [f"{point['weights_mb']:.1f}", f"{smaller:.1f}", f"{point['latency_ratio']:.3g}"]
        cells += [f"{point['mean_s']:.4f}", f"{share:.1%}"]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="JSON of `headshrink benchmark --out`, with timing")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    run = json.loads(arguments.run.read_text(encoding="utf-8"))
    found, machine = points(run), run["cost"]["machine"]
    headline = f"{machine['cpu']}, {machine['cores']} cores, {machine['instruction_set']}, {run['cost']['date'][:10]}"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "size.md").write_text(table(found, headline), encoding="utf-8")
    save(lambda: draw(found), headline, arguments.out / "size.png")


if __name__ == "__main__":
    main()
