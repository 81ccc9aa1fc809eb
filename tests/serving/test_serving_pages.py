"""The pages in a real browser: the form answers as one types, the API page draws its document."""

import json
import shutil

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.serving.form_models import picture

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,900",
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("needs chromium and chromedriver on PATH")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()


def wait_for_text(browser, css, text):
    WebDriverWait(browser, 15).until(lambda _: text in browser.find_element(By.CSS_SELECTOR, css).text)


def hosts_asked(browser):
    """The hosts of everything the pages fetched."""
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [
        each["params"]["request"]["url"] for each in messages if each["method"] == "Network.requestWillBeSent"
    ]
    return {url.split("/")[2] for url in urls if url.startswith("http")}


def test_the_form_answers_as_one_types(small, service, browser):
    browser.get(f"{service.url}/#price")
    wait_for_text(browser, "#answer .value", f"${small.price(120, 4, 'Good', 2000):,.0f}")
    area = browser.find_element(By.CSS_SELECTOR, "#fields input")
    assert (
        browser.find_element(By.CSS_SELECTOR, f"label[for='{area.get_attribute('id')}']").text == "Area sqft"
    )
    area.clear()
    area.send_keys("300")
    wait_for_text(browser, "#answer .value", f"${small.price(300, 4, 'Good', 2000):,.0f}")
    area.send_keys("x")
    wait_for_text(browser, "#fault", "field 'area': expected a number")
    assert area.get_attribute("aria-invalid") == "true"
    browser.find_element(By.ID, "clear").click()
    wait_for_text(browser, "#fault", "field 'rooms' is missing")
    browser.find_element(By.ID, "load-example").click()
    wait_for_text(browser, "#answer .value", f"${small.price(120, 4, 'Good', 2000):,.0f}")
    browser.find_element(By.LINK_TEXT, "ranged").click()
    wait_for_text(browser, "#answer", "between $50.00 and $200 for 90% of such records")
    assert "Cost low" not in browser.find_element(By.ID, "answer").text
    browser.find_element(By.LINK_TEXT, "classes").click()
    wait_for_text(browser, "#answer", "owl")
    assert hosts_asked(browser) == {service.address}
    assert [entry for entry in browser.get_log("browser") if "400" not in entry["message"]] == []


def rows(browser, section):
    """The cells of a slicing's table, by row."""
    css = f"#card section:nth-of-type({section}) tbody tr"
    return [row.text.split() for row in browser.find_elements(By.CSS_SELECTOR, css)]


def test_the_model_card_is_a_view_of_its_own(small, service, browser):
    browser.get(f"{service.url}/#price")
    wait_for_text(browser, "#answer .value", f"${small.price(120, 4, 'Good', 2000):,.0f}")
    area = browser.find_element(By.CSS_SELECTOR, "#fields input")
    area.clear()
    area.send_keys("300")
    browser.find_element(By.LINK_TEXT, "Model card").click()
    wait_for_text(browser, "#card", "What it is for")
    shown = browser.find_element(By.ID, "card").text
    for words in ("To test the service with.", "train 1,000, test 200", "$1,000 to $20,000", "0.09 to 0.12"):
        assert words in shown
    limits = [item.text for item in browser.find_elements(By.CSS_SELECTOR, "#card .limits li")]
    assert limits == ["Made up, so it knows *nothing*.", "A field_name stays as it is."]
    assert not browser.find_element(By.ID, "try").is_displayed()
    browser.find_element(By.LINK_TEXT, "Try it").click()
    WebDriverWait(browser, 15).until(lambda _: area.is_displayed())
    assert area.get_attribute("value") == "300", "the form keeps what one typed"
    assert hosts_asked(browser) == {service.address}
    assert browser.get_log("browser") == []


def test_the_slices_of_a_card_are_sorted_and_the_worst_is_marked(service, browser):
    browser.get(f"{service.url}/#price/card")
    wait_for_text(browser, "#card", "By town")
    place = [title.text for title in browser.find_elements(By.CSS_SELECTOR, "#card h2")].index("By town") + 1
    assert [row[0] for row in rows(browser, place)] == ["Nevada", "Boone", "Ames"]
    (worst,) = browser.find_elements(By.CSS_SELECTOR, f"#card section:nth-of-type({place}) .worst")
    assert worst.find_element(By.XPATH, "../..").text.startswith("Boone | <b>"), "three rows say little"
    assert rows(browser, place)[0] == ["Nevada", "3", "0.310", "$2,000"]
    browser.find_element(By.CSS_SELECTOR, f"#card section:nth-of-type({place}) th button").click()
    assert [row[0] for row in rows(browser, place)] == ["Ames", "Boone", "Nevada"]
    head = browser.find_element(By.CSS_SELECTOR, f"#card section:nth-of-type({place}) th")
    assert head.get_attribute("aria-sort") == "ascending"
    browser.find_element(By.LINK_TEXT, "classes").click()
    wait_for_text(browser, "#answer", "owl")
    assert not browser.find_element(By.ID, "to-card").is_displayed(), "a model without a card"
    assert browser.get_log("browser") == []


def test_texts_seeds_and_pictures_have_their_own_fields(service, browser, tmp_path):
    browser.get(f"{service.url}/#lengths")
    wait_for_text(browser, "#about", "takes a text")
    text = browser.find_element(By.CSS_SELECTOR, "#fields textarea")
    wait_for_text(browser, "#answer", "Sum")
    text.clear()
    text.send_keys("bad bad film")
    wait_for_text(browser, "#answer .value", "7")
    browser.find_element(By.LINK_TEXT, "noise").click()
    made = 'return document.querySelector("#answer img")?.naturalWidth'
    WebDriverWait(browser, 15).until(lambda _: browser.execute_script(made) == 3)
    browser.find_element(By.LINK_TEXT, "colours").click()
    wait_for_text(browser, "#about", "takes a picture")
    wait_for_text(browser, "#answer", "Mean")
    file = tmp_path / "green.png"
    file.write_bytes(picture("green"))
    browser.find_element(By.CSS_SELECTOR, "#fields input").send_keys(str(file))
    wait_for_text(browser, "#answer .share", "green")
    assert "-F image=@picture.png" in browser.find_element(By.ID, "curl").get_attribute("textContent")
    assert hosts_asked(browser) == {service.address}
    assert browser.get_log("browser") == []


def test_the_api_page_draws_and_sends(service, browser):
    browser.get(f"{service.url}/docs")
    wait_for_text(browser, "#operations", "/models/price/predict")
    wait_for_text(browser, "details[open]", "Required.")
    browser.find_element(By.CSS_SELECTOR, "details[open] button").click()
    wait_for_text(browser, "details[open] pre", '"predictions"')
    assert browser.find_element(By.CSS_SELECTOR, "details[open] pre").text.startswith("200")
    assert hosts_asked(browser) == {service.address}
    assert browser.get_log("browser") == []


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_the_pages_may_fetch_from_nowhere_else(service, path):
    response = requests.get(service.url + path, timeout=30)
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'self'" in response.headers["content-security-policy"]
    assert "http" not in response.text
