"""The form's fields: ranges and present values in their help, and numbers as people write them."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from flows.form import FIELDS, section_form
from tasks.params import complete


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The demo's parameters, which are those of the working directory."""
    text = (ROOT / "profiles" / "demo.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return yaml.safe_load(text)


def properties(section: str) -> dict[str, Any]:
    return section_form(section).model_json_schema()["properties"]


def test_every_field_tells_its_present_value(demo: dict[str, Any]) -> None:
    present = complete(demo)
    for section, keys in FIELDS.items():
        for key in keys:
            value = present[section][key]
            shown = ", ".join(value) if isinstance(value, list) else value
            about = properties(section)[key]["description"]
            assert value is None or f"(when this form was made: {shown})" in about, f"{section}.{key}: {about}"
    assert "(when this form was made: ratio)" in properties("prune")["heads"]["description"]


def test_every_number_tells_its_range(demo: dict[str, Any]) -> None:
    help_of = {key: field["description"] for section in FIELDS for key, field in properties(section).items()}
    assert "allowed: at least 0 and below 1;" in help_of["heads"]
    assert "allowed: at least 1 and at most 100;" in help_of["steps"]
    assert "allowed: above 0" in help_of["learning_rate"]
    numbers = [help_of[key] for section in FIELDS for key, field in properties(section).items()
               if field.get("type") == "integer" or "anyOf" in field]  # fmt: skip
    assert numbers
    assert all("allowed: " in text for text in numbers)


def accepts(section: str, key: str, value: object) -> bool:
    """Whether the schema, which Prefect's form and server go by, takes a value."""
    return Draft202012Validator(section_form(section).model_json_schema()).is_valid({key: value})


@pytest.mark.parametrize("value", ["5e-4", "5E-4", "0.0005", ".0005", 0.0005])
def test_a_learning_rate_as_people_write_it(value: object) -> None:
    """Prefect's number field drops the key `e`: 5e-4 became empty without a word."""
    assert properties("distill")["learning_rate"]["anyOf"][0]["type"] == "string", "the first is the one shown"
    assert accepts("distill", "learning_rate", value)
    assert section_form("distill")(learning_rate=value).model_dump() == {"learning_rate": 0.0005}


@pytest.mark.parametrize("value", ["1", "1.5", "-0.1", "5e-1x", "5e4", "x", "", 1.5, -0.1])
def test_a_share_out_of_range_is_refused_as_text_too(value: object) -> None:
    assert not accepts("prune", "ratio", value)
    if value != "":
        with pytest.raises(ValidationError):
            section_form("prune")(ratio=value)


@pytest.mark.parametrize("value", ["0", "0.5", ".5", "5e-1", "0.", 0.25])
def test_a_share_in_range_is_taken(value: object) -> None:
    assert accepts("prune", "ratio", value)
    assert 0 <= section_form("prune")(ratio=value).ratio < 1


def test_without_a_readable_params_yaml_the_form_is_still_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "(when this form was made: unknown)" in properties("prune")["ratio"]["description"]
