"""The documentation site: its generated pages are complete, and it builds without a warning and without network."""

import re
import subprocess
import sys
from pathlib import Path

import api_pages
import hooks
import parameter_pages
import pytest
import stage_pages
import yaml
from snippets import ROOT

import headshrink
from headshrink.cli import VERBS
from headshrink.parameters.section import LIBRARY, names_in
from tasks.reference import parameters

LOADED = re.compile(r"<(?:script|link|img)\b[^>]*?(?:src|href)=\"?(https?:[^\" >]+)")


def test_every_parameter_has_its_default_and_description_on_the_page() -> None:
    page = parameter_pages.parameter_tables()
    for each in parameters():
        row = next(line for line in page.splitlines() if f'id="{each.name}"' in line)
        assert parameter_pages.cell(each.description) in row
        assert parameter_pages.cell(each.default) in row
    assert "`distill.minutes`" in parameter_pages.library_table()


def test_every_name_of_a_registry_has_a_purpose() -> None:
    page = parameter_pages.registry_tables()
    for _, package, parameter in parameter_pages.REGISTRIES:
        assert names_in(package), package
        assert parameter in {each.name for each in parameters()}
        for name in names_in(package):
            assert f"| `{name}` | {parameter_pages.purpose(LIBRARY / package / name)} |" in page


def test_every_command_and_public_name_has_a_section() -> None:
    commands = api_pages.commands()
    assert re.findall(r"^## (\w+)$", commands, flags=re.MULTILINE) == list(VERBS)
    assert "--budget-share" in commands
    names = f"{api_pages.functions()}\n{api_pages.other_names()}"
    assert set(re.findall(r"^::: headshrink\.(\w+)$", names, flags=re.MULTILINE)) == set(headshrink.__all__)


def test_every_generated_part_stands_on_one_page() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))
    assert sorted(hooks.MARK.findall(pages)) == sorted(hooks.PARTS)


def test_what_runs_again_is_what_dvc_runs() -> None:
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert set(stage_pages.stages()) == set(stages)
    assert stage_pages.reruns("prune") == ["prune", "distill", "export", "benchmark", "speed", "report"]
    assert stage_pages.reruns("report") == ["report"]
    assert set(stage_pages.reruns("corpus")) == set(stages)
    assert all(f">{name}</text>" in stage_pages.diagram() for name in stages)


def test_links_out_of_docs_lead_into_the_site() -> None:
    found = hooks.OUTSIDE.findall("[a](../../reports/x.md) [b](../CONTRIBUTING.md) [c](other.md)")
    assert found == ["reports/", "CONTRIBUTING.md"]


@pytest.mark.timeout(300)
def test_the_site_builds_strictly_and_loads_nothing_from_other_servers(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for page in tmp_path.rglob("*.html"):
        loaded = [url for url in LOADED.findall(page.read_text(encoding="utf-8")) if "canonical" not in url]
        assert not loaded, (page, loaded)
