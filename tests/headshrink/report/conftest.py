"""A run of the pipeline in made-up files, as the stages before the report leave it."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

TASKS = ("sts", "pi", "nli", "sa", "ti", "ia", "ic", "icx", "ne1", "ne2")
SENTENCES = {
    "models": ["teacher", "student"],
    "texts": ["Кошка спит.", "Кот спит.", "Дом большой."],
    "pairs": [[0, 1, 4.5, 0.91, 0.84], [0, 2, None, 0.12, 0.2]],
    "neighbours": {
        "teacher": [[[1, 0.91]], [[0, 0.91]], [[0, 0.12]]],
        "student": [[[1, 0.84]], [[2, 0.9]], [[0, 0.2]]],
    },
}
LEVELS = {"teacher": 0.0, "pruned": -0.17, "student": -0.02, "static": -0.22}
COST_NAMES = (
    "parameters",
    "embedding_parameters",
    "weights_mb",
    "flops_g_32tokens",
    "latency_ms_b1",
    "latency_p95_ms_b1",
    "latency_ratio_b1",
    "throughput_b32_per_s",
    "speed_task_ms",
    "load_s",
    "peak_memory_mb",
)
COSTS = {
    "teacher": (28.3e6, 17.3e6, 112.8, 0.71, 9.1, 10.4, 1.0, 410.0, 10.2, 0.9, 260.0),
    "pruned": (22.9e6, 17.3e6, 91.6, 0.37, 5.2, 6.1, 0.571, 700.0, 6.0, 0.8, 215.0),
    "student": (22.9e6, 17.3e6, 91.6, 0.37, 5.3, 6.0, 0.582, 690.0, 6.1, 0.8, 215.0),
    "static": (17.3e6, 17.3e6, 69.2, 0.0, 0.1, 0.1, 0.011, 40_000.0, 0.3, 0.2, 190.0),
}


def write_artifacts(folder: Path, layers: int = 6, heads: int = 12, neurons: int = 1536, seed: int = 0) -> Path:
    """Write made-up outputs of every stage under `folder`; half of all heads and neurons are cut, lowest first."""
    rng = np.random.default_rng(seed)
    scores = {"heads": rng.lognormal(size=(layers, heads)), "ffn": rng.lognormal(size=(layers, neurons), sigma=1.5)}
    scores["ffn"] *= np.linspace(0.6, 1.6, layers)[:, None]
    pruning = {name: keep_better_half(values) for name, values in scores.items()}
    pruning["parameters"] = {"before": 28_300_000, "after": 22_900_000}
    quality = {model: made_up_quality(rng, level) for model, level in LEVELS.items()}
    quality["pruned"] |= {"teacher_cosine": 0.61, "teacher_neighbours_at_10": 0.402}
    quality["student"] |= {"teacher_cosine": 0.942, "teacher_neighbours_at_10": 0.733}
    contents = {
        "benchmark/quality.json": quality,
        "benchmark/cost.json": made_up_cost(),
        "benchmark/scores.json": made_up_details(quality),
        "benchmark/sentences.json": SENTENCES,
        "speed/speed.json": made_up_speed(),
        "corpus/counts.json": {
            "label": "generated",
            "source": "generated",
            "generated": True,
            "train": 22_801,
            "heldout": 1_199,
            "read": {"generated": 24_310},
            "dropped": {"duplicate": {"generated": 290}, "in the benchmark": {"generated": 20}},
        },
        "student/prune.json": pruning,
        "student/metrics.json": {
            "heldout_loss": 0.312,
            "heldout_cosine": 0.941,
            "heldout_retrieval_at_1": 0.967,
            "best_step": 900,
            "steps": 1000,
            "before_heldout_loss": 1.92,
            "before_heldout_cosine": 0.613,
            "before_heldout_retrieval_at_1": 0.702,
        },
        "suite/suite.json": {
            "label": "demo suite (generated)",
            "generated": True,
            "files": {"stsb_dev.csv": "ab" * 32},
        },
        "teacher/teacher.json": {
            "label": "generated teacher (4 x 4)",
            "source": "generated",
            "revision": None,
            "generated": True,
            "weights_sha256": "cd" * 32,
            "parameters": 28_300_000,
        },
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    (folder / "importance").mkdir()
    save_file(
        {name: values.astype(np.float32) for name, values in scores.items()}, folder / "importance/scores.safetensors"
    )
    write_curve(folder / "student/curve.csv", rng)
    return folder


def keep_better_half(scores: np.ndarray) -> dict[str, list]:
    kept = [np.flatnonzero(row >= np.median(scores)).tolist() for row in scores]
    return {"kept": kept, "of": [scores.shape[1]] * len(scores)}


def made_up_quality(rng: np.random.Generator, level: float) -> dict[str, float]:
    base = (0.80, 0.62, 0.42, 0.74, 0.93, 0.72, 0.74, 0.65, 0.33, 0.38)
    tasks = {task: round(score + level * rng.uniform(0.4, 1.6), 4) for task, score in zip(TASKS, base, strict=True)}
    protocol = {"mean_s": np.mean(list(tasks.values())[:8]), "mean_sw": np.mean(list(tasks.values()))} | tasks
    protocol = {name: round(float(score), 6) for name, score in protocol.items()}
    return protocol | {f"own_{name}": score - 0.011 for name, score in protocol.items()}


def made_up_details(quality: dict[str, dict[str, float]]) -> dict:
    names = ("mean_s", "mean_sw", *TASKS)
    changes = {
        model: {name: quality[model][name] - quality["teacher"][name] for name in names}
        for model in ("pruned", "student", "static")
    }
    return {
        "suite": {"label": "demo suite (generated)", "generated": True, "sha256": {}},
        "tasks": {task: {"title": task.upper(), "test_items": 1500} for task in TASKS},
        "models": {model: {"own_pooling": "mean_norm"} for model in quality},
        "reference": "teacher",
        "resamples": 1000,
        "intervals": {
            model: {
                name: made_up_interval(change, 0.006 if name in ("mean_s", "mean_sw") else 0.015)
                for name, change in row.items()
            }
            for model, row in changes.items()
        },
    }


def made_up_interval(change: float, half: float) -> dict[str, float]:
    low, high = change - half, change + half
    return {"difference": change, "lower_95": low, "upper_95": high, "margin": max(0.0, -low)}


def made_up_cost() -> dict:
    return {
        "machine": {
            "cpu": "Made-up CPU @ 2.40 GHz",
            "cores": 2,
            "instruction_set": "AVX2",
            "threads": 2,
            "torch": "2.13.0",
        },
        "date": "2026-11-21T12:00:00+00:00",
        **{model: made_up_figures(values) for model, values in COSTS.items()},
    }


def made_up_figures(values: tuple[float, ...]) -> dict[str, float]:
    cost = dict(zip(COST_NAMES, values, strict=True))
    ratio = cost["latency_ratio_b1"]
    key = "time_ratio_b1_32tokens_1thread"
    return cost | {key: ratio, f"{key}_low": ratio - 0.01, f"{key}_high": ratio + 0.01}


WAYS = {"torch": 1.0, "onnx": 0.4, "onnx_int8": 0.2}  # time over eager torch's


def made_up_speed() -> dict:
    """Every way on both models; the student takes half of the teacher's time in each, and a way that is not there."""
    cost = made_up_cost()
    models = {name: {way: made_up_way(name, way) for way in WAYS} for name in ("teacher", "student")}
    for rows in models.values():
        rows["openvino"] = {"absent": "no openvino here"}
    titles = {way: f"way {way}" for way in (*WAYS, "openvino")}
    head = {"machine": cost["machine"], "date": cost["date"], "titles": titles}
    return head | models | {"exported": ["onnx", "onnx_int8"]}


def made_up_way(model: str, way: str) -> dict[str, float]:
    half = 0.5 if model == "student" else 1.0
    row = {"startup_s": 0.3, "memory_mb": 90.0, "weights_mb": 112.8 * half * (0.25 if "int8" in way else 1)}
    row |= {"mean_cosine": 0.99731, "lowest_cosine": 0.98765}
    for setting, figure in (("b1_32tokens_1thread", "latency_ms"), ("b32_32tokens_allthreads", "throughput_per_s")):
        row |= {f"{figure}_{setting}": 9.1 * half * WAYS[way], f"rounds_{setting}": 20}
        ratios = {"time_ratio": WAYS[way], "time_ratio_to_first": half * WAYS[way], "time_ratio_alike": half}
        for key, ratio in ratios.items():
            row |= {
                f"{key}_{setting}": ratio,
                f"{key}_{setting}_low": 0.9 * ratio,
                f"{key}_{setting}_high": 1.1 * ratio,
            }
    return row


def write_curve(path: Path, rng: np.random.Generator) -> None:
    lines = ["step,loss,heldout_loss,heldout_cosine,learning_rate"]
    for step in range(0, 1001, 5):
        loss, cosine = 0.3 + 1.6 * np.exp(-step / 150), 0.94 - 0.33 * np.exp(-step / 150)
        heldout = f"{loss + 0.03:.4f},{cosine:.4f}" if step % 100 == 0 else ","
        lines.append(f"{step},{loss * rng.lognormal(sigma=0.12):.4f},{heldout},{5e-4 * (1 - step / 1000):.2e}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def run_artifacts(tmp_path: Path) -> Path:
    return write_artifacts(tmp_path / "artifacts")
