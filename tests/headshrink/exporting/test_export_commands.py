"""`headshrink encode` and `headshrink search`, on a model folder and on an ONNX folder."""

import errno
import io
import json
import os
import resource
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from headshrink.errors import HeadshrinkError
from headshrink.exporting import command, lines, write_command
from headshrink.model import save_encoder
from headshrink.options import with_options
from headshrink.parameters.export import ExportParams, GateParams

LINES = ["the man sees a dog", "", "кошка спит в дом", "a", "the big house " * 30, "собака", "the cat sleeps"]


@pytest.fixture(params=["model folder", "ONNX folder"])
def model(request, exported, tmp_path) -> Path:
    encoder, folder = exported
    if request.param == "ONNX folder":
        return folder / "onnx"
    save_encoder(encoder, tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    """LINES as a file, in Windows' line ends, of several chunks."""
    monkeypatch.setattr(lines, "CHUNK_LINES", 3)
    (tmp_path / "lines.txt").write_bytes("\r\n".join(LINES).encode())
    return tmp_path / "lines.txt"


def test_row_i_is_line_i(model, file, tmp_path, exported):
    command.encode(model, file, tmp_path / "out.npy", batch_size=2)
    found = np.load(tmp_path / "out.npy")
    assert found.dtype == np.float32
    assert np.abs(found - exported[0].encode(LINES)).max() < 1e-5
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["lines.txt", "out.npy"]


def test_parquet_holds_the_text_too(model, file, tmp_path, exported):
    command.encode(model, file, tmp_path / "out.parquet", batch_size=2)
    table = pd.read_parquet(tmp_path / "out.parquet")
    assert list(table["text"]) == LINES
    assert np.abs(np.stack(table["embedding"]) - exported[0].encode(LINES)).max() < 1e-5


def test_standard_input_counts_as_a_file(model, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\ncat\n")))
    command.encode(model, None, tmp_path / "out.npy", batch_size=2)
    assert np.load(tmp_path / "out.npy").shape == (2, 32)


@pytest.mark.parametrize("name", ["out.npy", "out.parquet"])
def test_a_pipe_counts_as_a_file(exported, file, tmp_path, name):
    """Its lines were gone once they were counted, and every row was zeros."""
    for number, source in enumerate((file, fed(tmp_path / "fifo", file.read_bytes()))):
        command.encode(exported[1] / "onnx", source, tmp_path / f"{number}{name}", batch_size=2)
    assert (tmp_path / f"0{name}").read_bytes() == (tmp_path / f"1{name}").read_bytes()


def test_a_pipe_is_searched_as_a_file(exported, file, tmp_path, capsys):
    for source in (file, fed(tmp_path / "fifo", file.read_bytes())):
        command.search(exported[1] / "onnx", source, "кошка спит в дом", top=3, batch_size=2)
    rows = capsys.readouterr().out.splitlines()
    assert rows[:3] == rows[3:]


def test_a_bad_line_of_a_pipe_is_named_as_its_own(exported, tmp_path):
    pipe = fed(tmp_path / "fifo", b"a\n\xff\n")
    with pytest.raises(HeadshrinkError, match=f"{pipe}, line 2, byte 1"):
        command.encode(exported[1] / "onnx", pipe, tmp_path / "out.npy", batch_size=2)
    assert [path.name for path in tmp_path.iterdir()] == ["fifo"]


def test_a_copy_of_a_pipe_that_finds_no_room_is_one_line(tmp_path):
    pipe = fed(tmp_path / "fifo", b"cat\n" * 1_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(HeadshrinkError, match=f"cannot copy {pipe} to .*File too large.*set TMPDIR"):
            lines.reread(pipe).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fed(fifo: Path, content: bytes) -> Path:
    """A named pipe that gives its content once."""
    os.mkfifo(fifo)
    threading.Thread(target=fifo.write_bytes, args=(content,), daemon=True).start()
    return fifo


@pytest.mark.parametrize("name", ["out.npy", "out.parquet"])
def test_rows_that_are_missing_are_an_error(exported, tmp_path, monkeypatch, name):
    (tmp_path / "lines.txt").write_text("a\n")
    monkeypatch.setattr(lines.Lines, "count", lambda self: 3)  # as of a file that is cut while it is read
    with pytest.raises(HeadshrinkError, match=r"lines\.txt changed while it was read: 3 lines were counted, 1 read"):
        command.encode(exported[1] / "onnx", tmp_path / "lines.txt", tmp_path / name, batch_size=2)
    assert [path.name for path in tmp_path.iterdir()] == ["lines.txt"]


def test_a_full_disk_is_found_before_the_first_line(exported, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (tmp_path / "lines.txt").write_text("a\n")
    monkeypatch.setattr(os, "posix_fallocate", full)

    def embed(*_):
        pytest.fail("embedded")
        yield

    monkeypatch.setattr(command, "encode_lines", embed)
    with pytest.raises(HeadshrinkError, match=r"cannot write .*out\.npy \(No space left on device\)"):
        command.encode(exported[1] / "onnx", tmp_path / "lines.txt", tmp_path / "out.npy", batch_size=2)
    assert [path.name for path in tmp_path.iterdir()] == ["lines.txt"]


def test_a_file_system_that_reserves_nothing_is_written_all_the_same(exported, tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    (tmp_path / "lines.txt").write_text("a\n")
    monkeypatch.setattr(os, "posix_fallocate", unsupported)
    command.encode(exported[1] / "onnx", tmp_path / "lines.txt", tmp_path / "out.npy", batch_size=2)
    assert np.load(tmp_path / "out.npy").shape == (1, 32)


def test_an_output_is_checked_before_the_model_is_opened(tmp_path, monkeypatch):
    for module, name in ((command, "open_encoder"), (write_command, "load_encoder")):
        monkeypatch.setattr(module, name, lambda *_: pytest.fail("opened"))
    (tmp_path / "dir.npy").mkdir()
    with pytest.raises(HeadshrinkError, match="is a folder: give the path of a file"):
        command.encode(tmp_path, tmp_path / "lines.txt", tmp_path / "dir.npy")
    (tmp_path / "file").touch()
    with pytest.raises(HeadshrinkError, match=r"cannot write .*file/forms"):
        write_command.export(tmp_path, tmp_path / "pairs.tsv", tmp_path / "file" / "forms", ExportParams())


def test_a_refused_export_leaves_no_folder(exported, tmp_path, pairs, monkeypatch):
    save_encoder(exported[0], tmp_path / "model")

    def refuse(names, model, folder, options, proof):
        (folder / "half").mkdir()
        raise HeadshrinkError("refused")

    before = sorted(tmp_path.iterdir())
    with monkeypatch.context() as patched:
        patched.setattr("headshrink.exporting.run.write_forms", refuse)
        with pytest.raises(HeadshrinkError, match="refused"):
            write_command.export(tmp_path / "model", pairs, tmp_path / "forms", ExportParams(targets=["onnx"]))
    assert sorted(tmp_path.iterdir()) == before
    write_command.export(tmp_path / "model", pairs, tmp_path / "forms", ExportParams(targets=["onnx"]))
    assert (tmp_path / "forms" / "gate.json").is_file()


def test_an_empty_file_has_no_rows(model, tmp_path):
    (tmp_path / "empty").touch()
    for name in ("out.npy", "out.parquet"):
        command.encode(model, tmp_path / "empty", tmp_path / name, batch_size=2)
    assert np.load(tmp_path / "out.npy").shape == (0, 32)
    assert len(pd.read_parquet(tmp_path / "out.parquet")) == 0


def test_search_prints_the_nearest_lines_best_first(model, file, capsys):
    command.search(model, file, "кошка спит в дом", top=3, batch_size=2)
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["1.0000", "3", "кошка спит в дом"]
    scores = [float(score) for score, _, _ in rows]
    assert len(rows) == 3
    assert scores == sorted(scores, reverse=True)
    assert all(LINES[int(number) - 1] == text for _, number, text in rows)


@pytest.mark.parametrize(
    ("content", "output", "message"),
    [
        (b"a\n\xff\n", "out.npy", "line 2, byte 1: 0xff is no text here"),
        (b"a\n", "out.csv", r"allowed are files ending in .npy, .parquet"),
        (None, "out.npy", "cannot read"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(exported, tmp_path, content, output, message):
    if content is not None:
        (tmp_path / "lines.txt").write_bytes(content)
    with pytest.raises(HeadshrinkError, match=message) as caught:
        command.encode(exported[1] / "onnx", tmp_path / "lines.txt", tmp_path / output, batch_size=2)
    assert "\n" not in str(caught.value)
    assert not [path for path in tmp_path.iterdir() if path.name != "lines.txt"]


def test_a_folder_that_is_no_model_is_one_line(tmp_path, file):
    with pytest.raises(HeadshrinkError, match=r"no config\.json"):
        command.search(tmp_path, file, "a")


@pytest.fixture
def pairs(tmp_path) -> Path:
    text = "the cat sleeps\tкошка спит\na dog\tсобака\na big house\tдом\n"
    (tmp_path / "pairs.tsv").write_text(text, encoding="utf-8")
    return tmp_path / "pairs.tsv"


def test_forms_of_a_folder_are_written_and_proved(exported, pairs, tmp_path):
    save_encoder(exported[0], tmp_path / "model")
    chosen = ExportParams(targets=["onnx", "onnx_int8"], gate=GateParams(min_rank=0))
    write_command.export(tmp_path / "model", pairs, tmp_path / "forms", chosen)
    gate = json.loads((tmp_path / "forms" / "gate.json").read_text(encoding="utf-8"))
    assert gate["onnx"]["lowest_cosine"] > 0.9999
    assert gate["onnx_int8"]["refused"] is None
    command.encode(tmp_path / "forms" / "onnx_int8", pairs, tmp_path / "out.npy")
    assert np.load(tmp_path / "out.npy").shape == (3, 32)


def test_a_form_that_loses_too_much_is_left_out(exported, pairs, tmp_path):
    save_encoder(exported[0], tmp_path / "model")
    chosen = ExportParams(targets=["onnx_int8"], gate=GateParams(min_cosine=1))
    write_command.export(tmp_path / "model", pairs, tmp_path / "forms", chosen)
    gate = json.loads((tmp_path / "forms" / "gate.json").read_text(encoding="utf-8"))
    assert gate["onnx_int8"]["refused"].startswith("cosine")
    assert not (tmp_path / "forms" / "onnx_int8").exists()


def test_mistakes_of_export_are_one_line(exported, pairs, tmp_path):
    app = typer.Typer()
    app.command()(with_options(write_command.export))
    words = [tmp_path / "model", "--pairs", pairs, "--out", tmp_path / "forms", "--targets", "onnx,onxx"]
    assert "targets.1 = 'onxx': allowed: onnx" in str(CliRunner().invoke(app, list(map(str, words))).exception)
    with pytest.raises(HeadshrinkError, match="exists: give --out a folder that does not"):
        write_command.export(tmp_path / "model", pairs, tmp_path, ExportParams())
