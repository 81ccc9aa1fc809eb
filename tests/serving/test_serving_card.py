"""The model card: what it may hold, its routes on a started service, and its Markdown."""

import copy

import pytest
import requests
import yaml
from pydantic import ValidationError

from serving.bundle import Bundle
from serving.bundle_files import read_bundle, write_bundle
from serving.card import Card
from serving.errors import BundleError
from tests.serving.cards import CARD


def changed(path, value):
    """The card with one value replaced, by its dotted path."""
    card = copy.deepcopy(CARD)
    *parents, last = [int(part) if part.isdecimal() else part for part in path.split(".")]
    inner = card
    for part in parents:
        inner = inner[part]
    inner[last] = value
    return card


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("model", "", "at least 1 character"),
        ("limits", [""], "at least 1 character"),
        ("authors", ["me"], "Extra inputs"),
        ("data.rows.train", -1, "greater than or equal to 0"),
        ("data.target.median", 500, "minimum, median and maximum ascend"),
        ("metrics.0.value", float("nan"), "finite"),
        ("metrics.0.low", None, "one end of an interval"),
        ("metrics.0.low", 0.2, "low 0.2 is above high 0.12"),
        ("metrics.1.name", "rmsle", "metric 'rmsle' is listed twice"),
        ("metrics.1.better", "bigger", "'less' or 'more'"),
        ("confidence", None, "intervals need the confidence"),
        ("confidence", 95, "less than 1"),
        ("slices.1.name", "Ames", "slice 'town: Ames' is listed twice"),
        ("slices.1.metrics", {"mae": 1, "rmsle": 2}, "'Boone | <b>': all slices have the same metrics"),
        ("slices.0.rows", 0, "greater than or equal to 1"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused(path, value, says):
    with pytest.raises(ValidationError) as caught:
        Card.model_validate(changed(path, value))
    assert says in str(caught.value)


def test_a_card_is_immutable_and_read_back_as_written(small):
    bundle = small.price_bundle(card=CARD)
    assert Bundle.model_validate_json(bundle.model_dump_json()) == bundle
    with pytest.raises(ValidationError, match="frozen"):
        bundle.card.limits = ()


def test_slices_come_by_slicing_the_largest_error_first():
    slicings = Card.model_validate(CARD).slicings()
    assert [*slicings] == ["town", "age"]
    assert [one.name for one in slicings["town"]] == ["Nevada", "Boone | <b>", "Ames"]


def test_a_card_may_be_small(tmp_path, small):
    card = {"model": "A sum.", "data": {"source": "Made up."}}
    folder = tmp_path / "price" / "1"
    write_bundle(folder, b"graph", small.price_bundle(card=card))
    text = (folder / "model_card.md").read_text()
    assert "## Data\n\n- Source: Made up.\n" in text
    assert "## Limits" not in text
    assert "model-index" not in text


def test_the_card_is_served_by_model_and_by_version(service):
    newest = requests.get(f"{service.url}/models/price/card", timeout=30)
    assert newest.status_code == 200
    assert Card.model_validate(newest.json()) == Card.model_validate(CARD)
    assert requests.get(f"{service.url}/models/price/versions/2/card", timeout=30).json() == newest.json()
    assert requests.get(f"{service.url}/models/price", timeout=30).json()["card"] == newest.json()


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("price/versions/1/card", "model 'price' version 1 has no model card: export it again"),
        ("numbers/card", "read its metrics at /models/numbers"),
        ("none/card", "there is no model 'none'"),
        ("price/versions/9/card", "has no version '9'"),
    ],
)
def test_a_model_without_a_card_is_404_and_says_what_to_do(service, path, says):
    answer = requests.get(f"{service.url}/models/{path}", timeout=30)
    assert answer.status_code == 404
    assert says in answer.json()["error"]


def test_the_document_describes_the_card(service):
    document = requests.get(f"{service.url}/openapi.json", timeout=30).json()
    for path in ("/models/{name}/card", "/models/{name}/versions/{version}/card"):
        answers = document["paths"][path]["get"]["responses"]
        assert answers["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Card")
        assert "it has no card" in answers["404"]["description"]
    assert "intended_use" in document["components"]["schemas"]["Card"]["properties"]


def markdown(tmp_path, small, **changes):
    folder = tmp_path / "price" / "1"
    write_bundle(folder, b"graph", small.price_bundle(**{"card": CARD, "lineage": {"data": "abc"}} | changes))
    assert read_bundle(folder).card == Card.model_validate(CARD)
    return (folder / "model_card.md").read_text(encoding="utf-8")


def test_the_markdown_begins_with_what_the_hub_reads(tmp_path, small):
    _, header, body = markdown(tmp_path, small).split("---\n", 2)
    about = yaml.safe_load(header)
    assert about["pipeline_tag"] == "tabular-regression"
    (found,) = about["model-index"][0]["results"]
    assert found["dataset"] == {"name": "houses", "type": "houses"}
    assert found["metrics"][0] == {"type": "rmsle", "value": 0.1}
    assert body.strip().startswith("# price, version 1\n\nWhat a house costs. A sum of three fields.")


def test_the_markdown_tells_data_figures_slices_limits_and_inputs(tmp_path, small):
    text = markdown(tmp_path, small)
    for line in (
        "To test the service with.",
        "- Records: 1,200",
        "- Rows: train 1,000, test 200",
        "- Target: price, 1,000 to 20,000 USD in the training rows, median 9,000 USD",
        "| figure | this model | 95% interval | median |",
        "| rmsle | 0.1 | 0.09 to 0.12 | 0.4 |",
        "| mae (USD) | 812.5 |  |  |",
        "- rmsle: root mean squared log error",
        "### By town",
        "| Nevada | 3 | 0.31 | 2,000 |",
        "| **Boone \\| &lt;b>** | **77** | **0.13** | **990** |",
        "- Made up, so it knows \\*nothing\\*.",
        "- A field_name stays as it is.",
        "| area | number | sqft | 20 to 400 |",
        "| quality | category |  | Poor; Typical; Good |",
        "- data: `abc`",
    ):
        assert f"\n{line}\n" in text, line
    assert text == markdown(tmp_path, small), "the same bundle, the same card"


def test_a_bundle_without_a_card_has_no_markdown_and_no_extra_may_take_its_name(tmp_path, small):
    folder = tmp_path / "price" / "1"
    write_bundle(folder, b"graph", small.price_bundle())
    assert not (folder / "model_card.md").exists()
    with pytest.raises(BundleError, match=r"not 'model_card\.md'"):
        write_bundle(folder, b"graph", small.price_bundle(card=CARD), {"model_card.md": b"x"})
