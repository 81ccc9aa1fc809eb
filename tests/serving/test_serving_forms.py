"""Pictures, texts and seeds as people send them, to a started service of graphs computed by hand."""

import base64
import io
import json

import numpy as np
import pytest
import requests
from PIL import Image

from serving.errors import BundleError, InvalidInputError, TooLargeError
from serving.gather import Gatherer
from serving.lane import Limits
from serving.metrics import Metrics
from serving.model import load_model
from serving.multipart import MAX_PARTS, read_parts
from serving.repository import load_repository
from serving.service import Service
from tests.serving.form_models import COLOURS, NAMES, picture, write_colours, write_lengths


def base64_of(content):
    return base64.b64encode(content).decode()


@pytest.fixture
def root(models_folder):
    return models_folder


def answers(response):
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def error(response, status=400):
    assert response.status_code == status, response.text
    return response.json()["error"]


def upload(service, model, files):
    return requests.post(f"{service.url}/models/{model}/predict", files=files, timeout=30)


def test_pictures_as_base64_and_as_files(service):
    expected = [{"mean": dict(zip(NAMES, COLOURS["red"], strict=True))}]
    png = base64_of(picture())
    assert answers(service.predict("colours", json.dumps({"image": png}))) == expected
    assert (
        answers(service.predict("colours", json.dumps({"image": f"data:image/png;base64,{png}"}))) == expected
    )
    assert answers(upload(service, "colours", {"image": picture()})) == expected
    both = upload(service, "colours", [("image", ("a.png", picture("green"))), ("image", ("b", picture()))])
    assert [round(each["mean"]["green"]) for each in answers(both)] == [240, 10]
    # The form's own answer is as that of JSON: model and version beside it.
    assert both.json().keys() == {"model", "version", "predictions"}


def test_a_large_picture_is_made_small(service):
    noise = np.random.default_rng(0).integers(0, 256, (560, 560, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG")
    assert 900_000 < len(file.getvalue()) < 1_000_000 - 500
    (found,) = answers(upload(service, "colours", {"image": file.getvalue()}))
    assert found["mean"]["red"] == pytest.approx(127, abs=20)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"GIF89a", "record 0: expected a PNG or JPEG, got something else"),
        (picture()[:50], "record 0: the picture is broken"),
        (b"", "record 0: expected a PNG or JPEG"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(root, content, says):
    model = load_model(root / "colours" / "1")
    with pytest.raises(InvalidInputError, match=says):
        model.predict({"image": base64_of(content)}, max_rows=9)
    with pytest.raises(InvalidInputError, match=says):
        model.predict([{"image": content}], max_rows=9)


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"image": 7}, "record 0: expected a PNG or JPEG as base64 text, got an integer"),
        ({"image": "%%"}, "this is not base64"),
        ({"picture": ""}, "there is no field 'picture', only 'image'"),
        ({}, "field 'image' is missing"),
        ([], "at least one record"),
        ([3], "record 0: expected an object, got an integer"),
    ],
)
def test_a_record_without_a_picture_is_refused_by_name(root, record, says):
    with pytest.raises(InvalidInputError, match=says):
        load_model(root / "colours" / "1").predict(record, max_rows=9)


def test_pictures_of_any_size_and_mode_become_the_models(root, small, tmp_path):
    model = load_model(root / "colours" / "1")
    for content in (
        picture(size=(60, 31)), picture(kind="JPEG", size=(64, 64)), picture(mode="P"), picture(mode="RGBA")
    ):  # fmt: skip
        (found,) = model.predict([{"image": content}], max_rows=1)
        assert found["mean"]["red"] == pytest.approx(250, abs=5)
    clear = io.BytesIO()
    Image.new("RGBA", (3, 4), (0, 0, 0, 0)).save(clear, "PNG")
    assert model.predict([{"image": clear.getvalue()}], max_rows=1)[0]["mean"]["blue"] == 255
    write_colours(tmp_path, small.graph_bytes, channels=1)
    (grey,) = load_model(tmp_path / "colours" / "1").predict([{"image": picture()}], max_rows=1)
    # ITU-R 601: .299 red + .587 green + .114 blue.
    assert grey["mean"]["red"] == pytest.approx(0.299 * 250 + 0.587 * 10 + 0.114 * 20, abs=1)


def test_a_picture_stands_upright_as_its_camera_says(root):
    half = Image.new("RGB", (4, 4), (0, 0, 0))
    half.paste((255, 255, 255), (0, 0, 4, 2))
    exif = Image.Exif()
    exif[0x0112] = 3
    file = io.BytesIO()
    half.save(file, "JPEG", exif=exif, quality=100)
    reader = load_model(root / "colours" / "1").reader
    array = reader.picture(file.getvalue(), "record 0")
    assert array[:, 0].mean() < 60 < 200 < array[:, -1].mean()


def test_a_small_file_with_a_huge_picture_is_refused(root):
    content = io.BytesIO()
    Image.new("1", (9000, 9000)).save(content, "PNG")
    with pytest.raises(TooLargeError, match="9000 x 9000 pixels"):
        load_model(root / "colours" / "1").predict([{"image": content.getvalue()}], max_rows=1)


def test_parts_are_for_models_of_pictures(service):
    assert "lengths takes no pictures: send JSON" in error(upload(service, "lengths", {"text": b"good"}), 415)
    assert "no field 'picture', only 'image'" in error(upload(service, "colours", {"picture": picture()}))


@pytest.mark.parametrize(
    ("body", "content_type", "says"),
    [
        (b"", "multipart/form-data; boundary=x", "ends before its last boundary"),
        (b'--x\r\nContent-Disposition: form-data; name="image"\r\n\r\nabc', "multipart/form-data; boundary=x",
         "ends before its last boundary"),
        (b"nothing", "multipart/form-data; boundary=x", "no multipart/form-data"),
        (b"--x--", "multipart/form-data", "no multipart/form-data: No boundary"),
    ],
)  # fmt: skip
def test_a_body_of_parts_that_is_not_whole_is_refused(service, body, content_type, says):
    with pytest.raises(InvalidInputError, match=says):
        read_parts(body, content_type)
    response = requests.post(
        f"{service.url}/models/colours/predict", data=body, headers={"Content-Type": content_type}, timeout=30
    )
    assert says in error(response)


def test_more_parts_than_a_request_may_have():
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
    kind = "multipart/form-data; boundary=x"
    assert read_parts(part * 2 + b"--x--\r\n", kind) == [{"a": b"b"}] * 2
    with pytest.raises(TooLargeError, match=f"at most {MAX_PARTS}"):
        read_parts(part * (MAX_PARTS + 1) + b"--x--\r\n", kind)


def test_texts_are_split_by_the_bundles_tokenizer(service):
    texts = [{"text": "good film"}, {"text": "bad bad bad bad bad bad"}]
    assert answers(service.predict("lengths", json.dumps(texts))) == [
        {"sum": 4, "count": 2},
        {"sum": 8, "count": 4},
    ]
    assert "record 1: field 'text': expected a text with a word in it, got text (' ')" in error(
        service.predict("lengths", '[{"text": "good"}, {"text": " "}]')
    )
    assert "expected a text" in error(service.predict("lengths", '{"text": 3}'))


def test_a_bundle_without_its_tokenizer_is_not_loaded(small, tmp_path):
    write_lengths(tmp_path, small.graph_bytes)
    tokenizer = tmp_path / "lengths" / "1" / "tokenizer.json"
    tokenizer.write_text("{}")
    with pytest.raises(BundleError, match=r"tokenizer.json is no tokenizer"):
        load_model(tokenizer.parent)
    tokenizer.unlink()
    with pytest.raises(BundleError, match=r"tokenizer.json is missing: export the model again"):
        load_model(tokenizer.parent)


def expected_noise(seed):
    z = np.random.default_rng(seed).standard_normal(6).astype(np.float32)
    return np.clip(z * 64 + 128, 0, 255).astype(np.uint8).reshape(2, 3)


def test_a_seed_makes_its_picture_as_base64_or_as_a_file(service):
    first, second = answers(service.predict("noise", '[{"seed": 7}, {"seed": 18446744073709551615}]'))
    for answer, seed in ((first, 7), (second, 2**64 - 1)):
        with Image.open(io.BytesIO(base64.b64decode(answer["image"]))) as opened:
            assert opened.format == "PNG"
            assert np.array_equal(np.asarray(opened), expected_noise(seed))
    url, png = f"{service.url}/models/noise/predict", {"Accept": "image/png"}
    file = requests.post(url, json={"seed": 7}, headers=png, timeout=30)
    assert file.headers["Content-Type"] == "image/png"
    assert file.content == base64.b64decode(first["image"])
    assert "expected one seed" in error(
        requests.post(url, json=[{"seed": 1}, {"seed": 2}], headers=png, timeout=30)
    )


@pytest.mark.parametrize("seed", [-1, 2**64, 1.5, "7", True, None])
def test_what_is_no_seed_is_refused(root, seed):
    with pytest.raises(InvalidInputError, match="record 0: field 'seed': expected a whole number from 0"):
        load_model(root / "noise" / "1").predict({"seed": seed}, max_rows=1)


def test_the_document_and_the_greeting_tell_of_the_forms(service):
    document = requests.get(f"{service.url}/openapi.json", timeout=30).json()
    bodies = {
        name: document["paths"][f"/models/{name}/predict"]["post"] for name in ("colours", "lengths", "noise")
    }
    assert bodies["colours"]["requestBody"]["content"].keys() == {"application/json", "multipart/form-data"}
    assert bodies["lengths"]["requestBody"]["content"].keys() == {"application/json"}
    assert bodies["noise"]["responses"]["200"]["content"].keys() == {"application/json", "image/png"}
    assert "colours  mean colour, version 1, takes image" in service.greeting


def test_the_greeting_sends_a_picture_as_a_file(small, tmp_path, starting):
    write_colours(tmp_path, small.graph_bytes)
    running = starting(tmp_path)
    assert f"curl {running.url}/models/colours/predict -F image=@picture.png" in running.greeting


def test_what_takes_its_time_does_not_hold_up_the_event_loop(models_folder):
    repository = load_repository(models_folder)
    service = Service(repository, Gatherer(Limits(), Metrics()), max_rows=9)
    quick = {name: service.is_quick(repository.get(name), 100) for name in ("price", "lengths", "noise")}
    assert quick == {"price": True, "lengths": False, "noise": False}
    assert not service.is_quick(repository.get("price"), 1_000_000)
