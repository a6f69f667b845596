"""The HTML pages in a browser: pictures render, the comparison filters, nothing is fetched, no errors."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from headshrink.benchmarking.sentences import compare_sentences, distinct_texts
from headshrink.benchmarking.suite._pairs import Pairs
from headshrink.report import read_results, write_report
from headshrink.report.figures import FIGURES
from headshrink.report.sentences import write_sentences

COLOURS = {"teacher": "#4c566a", "pruned": "#d08770", "student": "#2e7d6b"}
SENTENCES = [
    ("Кошка спит в доме.", "Кот спит дома.", 4.5),
    ("Собака бежит в лес.", "Собака не бежит в лес.", 2.0),
    ("Мужчина читает книгу.", "Женщина читает письмо.", 1.5),
    ("</script><b>Хитрая</b> строка & прочее", "Обычная строка.", None),
    ("Дети играют во дворе.", "Во дворе играют дети.", 5.0),
]


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Chromium as the system has it; its absence is a failure, since nothing else sees the pages as readers do."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.fail("no chromium for the browser tests: `apt-get update && apt-get install -y chromium`", pytrace=False)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


class Opened:
    """A page in a browser, with everything it complained of or asked the network for."""

    def __init__(self, browser, path: Path, width: int = 1100) -> None:
        self.complaints: list[str] = []
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))
        self.page.goto(path.as_uri())

    def _note(self, url: str) -> None:
        if not url.startswith(("file:", "data:")):
            self.complaints.append(f"asked for {url}")

    @property
    def fits(self) -> bool:
        """Whether the page itself needs no sideways scrolling; wide tables scroll inside their frames."""
        return self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.fixture
def comparison(tmp_path: Path) -> Path:
    """A comparison of two made-up models; the second puts the first pair apart, the rest where they were."""
    left, right, labels = zip(*SENTENCES, strict=True)
    data = Pairs(list(left), list(right), np.array([np.nan if label is None else label for label in labels]))
    teacher = np.random.default_rng(0).normal(size=(len(distinct_texts(data)), 8)).astype(np.float32)
    teacher[5] = teacher[0] + 0.1
    student = teacher.copy()
    student[5] = -teacher[0]
    path = tmp_path / "sentences.html"
    labels = {"suite": "made up"}
    write_sentences(
        compare_sentences(data, {"teacher": teacher, "student": student}), path, "Two models", labels, COLOURS
    )
    return path


def test_the_report_renders_at_every_width(browser, run_artifacts: Path, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    write_report(read_results(run_artifacts), folder, "A made-up run", COLOURS, "prune:\n  ratio: 0.5\n")
    for width in (1100, 390):
        opened = Opened(browser, folder / "report.html", width)
        widths = opened.page.evaluate("[...document.images].map(image => image.complete ? image.naturalWidth : 0)")
        assert len(widths) == len(FIGURES)
        assert min(widths) > 1000
        assert opened.page.evaluate("getComputedStyle(document.querySelector('.warning')).borderLeftWidth") == "4px"
        assert opened.fits
        assert opened.complaints == []


def test_the_comparison_opens_on_the_pair_that_moved_most(browser, comparison: Path) -> None:
    opened = Opened(browser, comparison)
    rows = opened.page.locator("#pair-rows tr")
    assert rows.count() == len(SENTENCES)
    assert rows.first.locator("td").first.inner_text() == "Кошка спит в доме."
    assert rows.first.locator("td").last.inner_text().startswith("−1.")
    assert opened.page.locator("#plot circle").count() == len(SENTENCES)
    assert opened.complaints == []


def test_the_filter_leaves_the_pairs_that_hold_the_words(browser, comparison: Path) -> None:
    opened = Opened(browser, comparison)
    opened.page.fill("#filter", "СОБАКА")
    assert opened.page.locator("#pair-rows tr").count() == 1
    assert opened.page.locator("#count").inner_text() == "1 of 5"
    assert opened.page.locator("#plot circle.out").count() == len(SENTENCES) - 1
    opened.page.fill("#filter", "нет такого")
    assert opened.page.locator("#pair-rows tr").count() == 0
    opened.page.fill("#filter", "")
    assert opened.page.locator("#pair-rows tr").count() == len(SENTENCES)
    assert opened.complaints == []


def test_a_point_of_the_plot_shows_its_pair_alone(browser, comparison: Path) -> None:
    opened = Opened(browser, comparison)
    opened.page.locator("#plot circle").nth(1).click()
    assert opened.page.locator("#pair-rows tr").count() == 1
    assert "Собака" in opened.page.locator("#pair-rows").inner_text()


def test_neighbours_that_changed_are_marked_lost_and_new(browser, comparison: Path) -> None:
    opened = Opened(browser, comparison)
    opened.page.click("#tab-neighbours")
    opened.page.fill("#filter", "Кошка")
    cards = opened.page.locator(".card")
    assert cards.count() == 1
    lost, new = (cards.locator(f".{side} .alone") for side in ("first", "second"))
    assert "Кот спит дома." in lost.all_inner_texts()[0]
    assert lost.first.inner_text().startswith("−")
    assert new.first.inner_text().startswith("+")
    assert lost.count() == new.count()
    assert opened.complaints == []


def test_sentences_are_text_and_never_markup(browser, comparison: Path) -> None:
    opened = Opened(browser, comparison, width=390)
    opened.page.fill("#filter", "хитрая")
    assert opened.page.locator("#pair-rows td").first.inner_text() == "</script><b>Хитрая</b> строка & прочее"
    assert opened.page.locator("#pair-rows td").nth(2).inner_text() == ""  # it has no label
    assert opened.fits
    assert opened.complaints == []
