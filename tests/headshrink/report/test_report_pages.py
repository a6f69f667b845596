"""A report says what was measured, with labels, in one file, and says it the same way twice."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from rich.console import Console
from safetensors.numpy import save_file

from headshrink.errors import HeadshrinkError
from headshrink.report import read_results, write_report
from headshrink.report.figures import FIGURES, forest, importance, widths
from headshrink.report.figures import tasks as bars
from headshrink.report.figures._style import save
from headshrink.report.figures.importance import kept_first, quantiles
from headshrink.report.figures.tradeoff import pareto
from headshrink.report.published import PUBLISHED, SOURCE, published_table
from headshrink.report.results import SENTENCE_TASKS, TASKS, Kept
from headshrink.report.speed import end_to_end, speed_tables
from headshrink.report.summary import main as show_summary
from headshrink.report.summary import show
from headshrink.report.tables import cost_table, headline, quality_table, signed

write_artifacts = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["write_artifacts"]
COLOURS = {"teacher": "#4c566a", "pruned": "#d08770", "student": "#2e7d6b"}
PARAMETERS = "prune:\n  ratio: 0.5\n"


def written(artifacts: Path, folder: Path, colours: dict[str, str] = COLOURS) -> Path:
    folder.mkdir()
    write_report(read_results(artifacts), folder, "A made-up run <&>", colours, PARAMETERS)
    return folder


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the made-up run, written once for the tests that only read it."""
    folder = tmp_path_factory.mktemp("once")
    return written(write_artifacts(folder / "artifacts"), folder / "report")


def test_the_same_results_give_the_same_bytes(report: Path, run_artifacts: Path, tmp_path: Path) -> None:
    again = written(run_artifacts, tmp_path / "again")
    names = sorted(path.name for path in report.iterdir())
    assert names == sorted(["report.md", "report.html", "sentences.html", *(f"{name}.png" for name in FIGURES)])
    assert all((report / name).read_bytes() == (again / name).read_bytes() for name in names)


def test_one_html_file_is_the_whole_report(report: Path) -> None:
    page = (report / "report.html").read_text(encoding="utf-8")
    sources = re.findall(r"""(?:src|href)\s*=\s*["']([^"']{0,40})""", page) + re.findall(r"url\(([^)]{0,40})", page)
    assert len([source for source in sources if source.startswith("data:image/png;base64,")]) == len(FIGURES)
    assert all(source.startswith("data:") for source in sources)
    assert "A made-up run &lt;&amp;&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize("page", ["report.md", "report.html"])
def test_both_pages_hold_every_score_label_parameter_and_hash(report: Path, run_artifacts: Path, page: str) -> None:
    results, text = read_results(run_artifacts), (report / page).read_text(encoding="utf-8")
    for model in ("teacher", "pruned", "student"):
        assert all(f"{score:.3f}" in text for score in results.quality[model].values())  # at own poolings too
    assert all(label in text for label in results.labels.values())
    assert all(value in text for value in results.hashes.values())
    assert PARAMETERS.rstrip() in text
    assert "these figures say nothing about real text" in text


def test_real_data_carry_no_warning(run_artifacts: Path, tmp_path: Path) -> None:
    for name in ("teacher/teacher.json", "suite/suite.json", "corpus/counts.json"):
        edit(run_artifacts / name, generated=False, label="real")
    folder = written(run_artifacts, tmp_path / "report")
    for page in ("report.md", "report.html"):
        text = (folder / page).read_text(encoding="utf-8")
        assert "nothing about real text" not in text
        assert "published, encodechka" in text


def test_one_generated_part_is_enough_for_the_warning(run_artifacts: Path) -> None:
    edit(run_artifacts / "teacher/teacher.json", generated=False)
    assert read_results(run_artifacts).generated == ["corpus", "suite"]


def test_ratios_and_differences_are_to_the_teacher(run_artifacts: Path) -> None:
    results = read_results(run_artifacts)
    rows = {row.title: row for row in cost_table(results).rows}
    assert rows["Weights, MB"].relations == [f"{91.6 / 112.8:.2f}×"] * 2
    assert rows["Latency, ms"].relations[1] == "0.58× (0.57–0.59)"  # of the rounds, not of the medians
    sts = next(row for row in quality_table(results).rows if row.title == "STS")
    change = results.quality["student"]["sts"] - results.quality["teacher"]["sts"]
    assert sts.relations[1] == f"−{abs(change):.3f}"
    assert "0.81 of its bytes and 0.58 (0.57–0.59) of its latency at batch 1." in headline(results)


def test_the_headline_says_what_the_student_keeps_above_word_vectors(run_artifacts: Path) -> None:
    means = {"teacher": 0.7, "pruned": 0.6, "student": 0.68, "static": 0.6}
    quality = json.loads((run_artifacts / "benchmark/quality.json").read_text(encoding="utf-8"))
    for model, mean in means.items():
        quality[model]["mean_s"] = mean
    edit(run_artifacts / "benchmark/quality.json", **quality)
    assert "Word vectors alone give 0.600: of what the teacher has above them the student keeps 80%." in headline(
        read_results(run_artifacts)
    )


def test_a_run_of_some_tasks_has_no_mean_and_still_a_report(run_artifacts: Path, tmp_path: Path) -> None:
    quality = {model: {"sts": 0.5, "own_sts": 0.5} for model in ("teacher", "pruned", "student")}
    (run_artifacts / "benchmark/quality.json").write_text(json.dumps(quality), encoding="utf-8")
    text = (written(run_artifacts, tmp_path / "report") / "report.md").read_text(encoding="utf-8")
    assert "100.0% of the teacher's mean of STS (0.500 v 0.500)" in text
    assert "| ICX" not in text


def test_a_run_without_a_pruned_model_reports_no_cut(run_artifacts: Path, tmp_path: Path) -> None:
    """As the stages importance and prune leave it for a kind of student that uses neither."""
    for name in ("benchmark/quality.json", "benchmark/cost.json"):
        figures = json.loads((run_artifacts / name).read_text(encoding="utf-8"))
        del figures["pruned"]
        (run_artifacts / name).write_text(json.dumps(figures), encoding="utf-8")
    details = json.loads((run_artifacts / "benchmark/scores.json").read_text(encoding="utf-8"))
    del details["models"]["pruned"], details["intervals"]["pruned"]
    edit(run_artifacts / "benchmark/scores.json", **details)
    (run_artifacts / "student/prune.json").write_text('{"used": false, "reason": "not used"}', encoding="utf-8")
    nothing = np.empty((0, 0), np.float32)
    save_file({"heads": nothing, "ffn": nothing}, run_artifacts / "importance/scores.safetensors")
    folder = written(run_artifacts, tmp_path / "report")
    assert {path.stem for path in folder.glob("*.png")} == {"tasks", "forest", "tradeoff", "curve"}
    for page in ("report.md", "report.html"):
        text = (folder / page).read_text(encoding="utf-8").lower()
        shown = text.split("params.yaml")[0].replace("half pruned", "")
        assert not [word for word in ("pruned", "pruning", "what was cut", "importance", "prune.json") if word in shown]
    console = Console(record=True, width=200)
    show(read_results(run_artifacts), Path("report"), console)
    assert "prun" not in console.export_text()


def test_each_cut_head_is_crossed_and_no_other(run_artifacts: Path) -> None:
    results = read_results(run_artifacts)
    crosses = next(line for line in importance.draw(results, COLOURS).axes[0].lines if line.get_gid() == "cut")
    marked = {(int(layer), int(head)) for head, layer in zip(*crosses.get_data(), strict=True)}
    kept = {(layer, head) for layer, heads in enumerate(results.heads.indices) for head in heads}
    every = {(layer, head) for layer in range(6) for head in range(12)}
    assert marked == every - kept
    assert len(marked) == 36


def test_bars_of_width_are_the_numbers_kept(run_artifacts: Path) -> None:
    results = read_results(run_artifacts)
    kept_bars = widths.draw(results, COLOURS).axes[1].containers[1]
    assert [bar.get_width() for bar in kept_bars] == results.ffn.counts


def test_kept_neurons_stand_before_cut_ones_whatever_their_scores() -> None:
    values = np.array([[0.1, 0.9, 0.5], [0.3, 0.2, 0.8]])
    assert kept_first(values, Kept([[0, 2], [2]], [3, 3])).tolist() == [[0.5, 0.1, 0.9], [0.8, 0.3, 0.2]]


def test_importance_is_shown_by_rank_over_the_whole_model() -> None:
    scores = np.array([[1e-9, 3.0], [1e6, 2.0]], dtype=np.float32)
    assert quantiles(scores).tolist() == [[0, pytest.approx(2 / 3)], [1, pytest.approx(1 / 3)]]


def test_a_colour_reaches_the_picture(run_artifacts: Path, tmp_path: Path) -> None:
    results = read_results(run_artifacts)
    save(lambda: bars.draw(results, COLOURS | {"student": "#ff00ff"}), "", tmp_path / "tasks.png")
    pixels = imread(tmp_path / "tasks.png")[..., :3].reshape(-1, 3)
    assert (np.abs(pixels - [1, 0, 1]).max(1) < 0.01).sum() > 1000


@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("benchmark/cost.json", "benchmark"),
        ("student/curve.csv", "distill"),
        ("importance/scores.safetensors", "importance"),
    ],
)
def test_a_missing_file_is_one_line_naming_the_stage_that_writes_it(run_artifacts: Path, name: str, stage: str) -> None:
    (run_artifacts / name).unlink()
    with pytest.raises(HeadshrinkError, match=rf"{name}.*: stage {stage} writes it") as caught:
        read_results(run_artifacts)
    assert "\n" not in str(caught.value)


def test_the_terminal_shows_the_table_the_warning_and_the_path(
    run_artifacts: Path, capsys: pytest.CaptureFixture
) -> None:
    assert show_summary(run_artifacts) == 0
    shown = capsys.readouterr().out
    results = read_results(run_artifacts)
    assert f"{results.quality['student']['mean_s']:.3f}" in shown
    assert "nothing about real text" in shown
    assert f"report: {run_artifacts / 'report' / 'report.html'}" in shown


def test_the_terminal_names_a_run_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert show_summary(tmp_path) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_differences_carry_a_true_minus_and_zero_no_sign() -> None:
    assert [signed(value, 3) for value in (0.0123, -0.0123, -0.0001)] == ["+0.012", "−0.012", "0.000"]


def test_the_front_is_what_no_other_point_beats() -> None:
    points = {"teacher": (10.0, 0.8), "student": (5.0, 0.75), "pruned": (5.0, 0.5), "worse and dearer": (11.0, 0.7)}
    assert pareto(points) == [(5.0, 0.75), (10.0, 0.8)]


def test_forest_marks_are_hollow_where_the_interval_holds_zero(run_artifacts: Path) -> None:
    details = json.loads((run_artifacts / "benchmark/scores.json").read_text(encoding="utf-8"))
    details["intervals"]["student"]["sts"] = {"difference": 0.01, "lower_95": -0.01, "upper_95": 0.03, "margin": 0.01}
    edit(run_artifacts / "benchmark/scores.json", **details)
    axes = forest.draw(read_results(run_artifacts), COLOURS).axes[0]
    marks = {line.get_ydata()[0]: line for line in axes.lines if line.get_marker() == "D"}
    hollow = [place for place, line in marks.items() if line.get_markerfacecolor() == "white"]
    assert hollow == [2]  # after the two means
    assert marks[2].get_xdata()[0] == 0.01


def test_published_figures_stand_beside_measured_ones_of_the_real_suite_only(run_artifacts: Path) -> None:
    assert published_table(read_results(run_artifacts)) is None
    edit(run_artifacts / "suite/suite.json", generated=False)
    table = published_table(read_results(run_artifacts))
    assert table is not None
    sources = {row.title: row.note for row in table.rows}
    assert [source for source in sources.values() if source == "measured"] == ["measured"] * 4
    assert sources["cointegrated/rubert-tiny2"].startswith("published")


def test_published_sizes_are_converted_from_mib_and_labelled_so(run_artifacts: Path) -> None:
    edit(run_artifacts / "suite/suite.json", generated=False)
    table = published_table(read_results(run_artifacts))
    assert table is not None
    sizes = {row.title: row.cells[2] for row in table.rows}
    assert sizes["cointegrated/LaBSE-en-ru"] == "514"
    assert sizes["LaBSE-en-ru, half pruned, distilled"] == "343"
    assert "converted to MB" in SOURCE


def test_published_means_are_those_of_the_published_tasks() -> None:
    for name, figures in PUBLISHED.items():
        if set(TASKS) <= set(figures):  # single tasks were published to two decimals
            assert figures["mean_s"] == pytest.approx(np.mean([figures[task] for task in SENTENCE_TASKS]), abs=0.006), (
                name
            )
            assert figures["mean_sw"] == pytest.approx(np.mean([figures[task] for task in TASKS]), abs=0.006), name


def test_the_whole_road_is_stated_with_its_interval_and_within_one_runtime(run_artifacts: Path) -> None:
    table = end_to_end(read_results(run_artifacts))
    assert table is not None
    road, alike = table.rows
    assert road.cells[:4] == ["way torch, 112.8 MB", "way onnx_int8, 14.1 MB", "8.0×", "10.0× (9.1–11.1)"]
    assert alike.cells[:4] == ["way onnx, 112.8 MB", "way onnx, 56.4 MB", "2.0×", "2.0× (1.8–2.2)"]
    own = {model: figures["own_mean_s"] for model, figures in read_results(run_artifacts).quality.items()}
    assert road.cells[4].startswith(f"{own['student']:.3f}, −{own['teacher'] - own['student']:.3f}")
    assert road.cells[4].endswith("in fp32; cosine to it 0.9973")


def test_a_form_that_was_not_exported_is_no_end_of_the_road(run_artifacts: Path) -> None:
    edit(run_artifacts / "speed/speed.json", exported=["onnx"])
    assert "onnx, 56.4 MB" in end_to_end(read_results(run_artifacts)).rows[0].cells[1]
    edit(run_artifacts / "speed/speed.json", exported=[])
    assert end_to_end(read_results(run_artifacts)) is None


def test_a_mean_that_was_taken_stands_in_the_table_and_in_the_statement(run_artifacts: Path) -> None:
    speed = json.loads((run_artifacts / "speed/speed.json").read_text(encoding="utf-8"))
    for model, mean in (("teacher", 0.7), ("student", 0.69)):
        for way in speed["exported"] + ["torch"]:
            speed[model][way]["mean_s"] = mean
    edit(run_artifacts / "speed/speed.json", **speed)
    results = read_results(run_artifacts)
    assert end_to_end(results).rows[0].cells[4] == "0.690, −0.010"
    assert speed_tables(results.speed)["student"].header[-1] == "mean S, own pooling"


def test_a_way_that_is_not_there_says_why_in_a_row_as_long_as_the_others(run_artifacts: Path) -> None:
    table = speed_tables(read_results(run_artifacts).speed)["teacher"]
    assert {len(row.cells) + 1 for row in table.rows} == {len(table.header)}
    assert table.rows[-1].cells[0] == "no openvino here"
    assert table.rows[1].cells[:2] == ["3.64 ms, 0.40× (0.36–0.44)", "4 /s, 0.40× (0.36–0.44)"]
