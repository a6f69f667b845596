"""Text from data acts nowhere: not on a terminal, not in Markdown or HTML, not in a plot."""

import io
import json
import re
from pathlib import Path

import pytest
from jinja2 import Environment
from markdown import markdown as html_of
from rich.console import Console

from headshrink.benchmarking.command import ModelTable
from headshrink.escape import fenced, markdown, visible
from headshrink.exporting.card import introduction, metadata
from headshrink.progress import on_terminal
from headshrink.report.figures._style import new_figure, provenance, save
from headshrink.report.ratios import write_ratios
from headshrink.report.render import markdown_table, render
from headshrink.report.summary import rich_table
from headshrink.report.tables import Row, Table

HOSTILE = [
    "$\\frac{", "$x$ and $", "[/bold]", "[bold]x[/]", "a | b",
    "<b onclick=x>", "<script>alert(1)</script>", "`code`", "```",
    "**bold**", "_it_", "[x](javascript:alert(1))",
    "![x](http://host/y.png)", "&amp;&#60;", "# head", "a\nb", "\\", "a\\|b",
    "\x1b[31mred\x1b[0m", "\x9b2J", "\x07", "\u202eevil", "\u2028", "\x00", "~~no~~", "{{ 7 * 7 }}", "\udcff",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\x7f\x85\x9b", r"\x7f\x85\x9b"),
        ("\u202e\u2066\u200e\ufeff", r"\u202e\u2066\u200e\ufeff"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\udcff", r"\udcff"),
        ("Кот — «спит» 👩‍🔬 ÷ [x] $5", "Кот — «спит» 👩‍🔬 ÷ [x] $5"),
        ("\\x1b", "\\x1b"),
    ],
)
def test_what_acts_on_a_terminal_is_made_visible_and_nothing_else(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_the_text_itself(text: str) -> None:
    """By a Markdown library, in a paragraph and in a table's cell: text alone, and the same text."""
    wanted = visible(" ".join(text.splitlines()))
    paragraph = html_of(f"x {markdown(text)} x")
    assert Environment(autoescape=True).from_string("{{ x }}").render(x=f"x {wanted} x") == unescaped(paragraph)
    table = html_of(f"| a | b |\n|---|---|\n| {markdown(text)} | y |\n", extensions=["tables"])
    assert table.count("<td>") == 2
    assert not re.search(r"<(?!/?(?:table|thead|tbody|tr|th|td)\b)", table)


def unescaped(paragraph: str) -> str:
    """A paragraph's HTML as jinja writes it, without backslash escapes that this Markdown library does not know."""
    text = paragraph.removeprefix("<p>").removesuffix("</p>").replace("\\|", "|").replace("\\~", "~")
    assert "<" not in text
    return text.replace('"', "&#34;").replace("'", "&#39;")


@pytest.mark.parametrize("text", ["a", "```", "a\n````\nb", "~~~"])
def test_a_block_of_code_ends_where_the_text_ends(text: str) -> None:
    page = html_of(f"{fenced(text, 'yaml')}\n\nafter", extensions=["fenced_code"])
    assert page.count("<code") == 1
    assert page.endswith("<p>after</p>")


@pytest.mark.parametrize("text", HOSTILE)
def test_tables_on_a_terminal_show_every_name(text: str) -> None:
    table = Table(["", text], [Row(text, [text], [text], note=text, emphasis=True)])
    output = io.StringIO()
    console = Console(file=output, width=400, force_terminal=True, color_system=None)
    console.print(rich_table(text, table))
    console.print(ModelTable(text, [text], [[text, text]]).on_screen())
    console.print(on_terminal(text))
    shown = re.sub(r"\x1b\[[\d;]*m", "", output.getvalue())  # rich's own bold
    assert shown.count(visible(text)) >= 6
    assert not [character for character in shown if character not in "\n" and visible(character) != character]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_label_is_drawn_and_is_no_formula(tmp_path: Path, text: str) -> None:
    foot = provenance({"teacher": text, text: "x"}, [])
    save(lambda: new_figure(1), foot, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size
    figure = new_figure(1)
    save(lambda: figure, foot, tmp_path / "again.png")
    assert all(visible(line) == line for line in foot.splitlines())


@pytest.mark.parametrize("text", HOSTILE)
def test_ratios_md_and_the_tables_of_a_report_hold_no_markup_of_data(tmp_path: Path, text: str) -> None:
    row = {"mean_s": 0.5, "weights_mb": 1.0, "latency_ratio_b1": 1.0, "labels": {"teacher": text}, "generated": [text]}
    write_ratios([{"ratio": 0, **row}, {"ratio": 0.5, **row}], tmp_path)
    page = (tmp_path / "ratios.md").read_text(encoding="utf-8")
    assert page.count(markdown(text)) >= 2
    lines = markdown_table(Table(["", text], [Row(text, [text], [], text)])).splitlines()
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines] == [3, 3, 3]


def test_a_page_escapes_each_value_once() -> None:
    context = {"table": markdown_table(Table(["a*"], [])), "labels": {"teacher": "<b>"}, "generated": ["x|y"]}
    page = render("ratios.md", context)
    assert "| a\\* |" in page
    assert "teacher **&lt;b&gt;**" in page
    assert "Generated here: x\\|y." in page


@pytest.mark.parametrize("text", HOSTILE)
def test_the_model_card_s_header_and_heading_keep_a_hostile_name_as_text(text: str) -> None:
    import yaml

    teacher = {"label": text, "licence": text, "source": "hub", "parameters": 1, "generated": False}
    header = yaml.safe_load(metadata(teacher).strip("-"))
    assert (header["base_model"], header["license"]) == (text, text)

    class Encoder:
        dimension, normalise, max_length = 1, True, 8

        def parameters(self) -> list:
            return []

    heading = introduction(Encoder(), teacher, "narrow").splitlines()[0]  # type: ignore[arg-type]
    assert heading == f"# {markdown(text)}, compressed"


def test_search_prints_what_a_sentence_holds_and_a_row_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    from headshrink.exporting import command

    hits = [(0.9, 1, "\x1b]0;owned\x07\x1b[2Jred"), (0.8, 2, "a\tb\u202ec"), (0.7, 3, "Кот [x] $5")]
    monkeypatch.setattr(command, "open_encoder", lambda *_: None)
    monkeypatch.setattr(command, "nearest", lambda *_: hits)
    command.search(tmp_path, tmp_path, "q")
    rows = capsys.readouterr().out.splitlines()
    assert rows == ["0.9000\t1\t\\x1b]0;owned\\x07\\x1b[2Jred", "0.8000\t2\ta\\tb\\u202ec", "0.7000\t3\tКот [x] $5"]


def test_json_of_a_header_is_yaml() -> None:
    import yaml

    assert yaml.safe_load(json.dumps("a: b # c")) == "a: b # c"
