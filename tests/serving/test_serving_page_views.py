"""The page's further views in a real browser: shares, a table, live figures, a pasted address."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import requests
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.serving.test_serving_page_url import pages, web  # noqa: F401 (fixtures)
from tests.serving.test_serving_pages import browser, wait_for_text  # noqa: F401 (fixtures)


def texts(browser: Any, css: str) -> list[str]:  # noqa: F811
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, css)]


def test_what_each_input_adds_is_drawn_as_one_types(service: Any, browser: Any) -> None:  # noqa: F811
    browser.get(f"{service.url}/#price")
    wait_for_text(browser, "#shares figcaption", "What moves Price from")
    rows = browser.find_elements(By.CSS_SELECTOR, "#shares dl > div")
    found = {
        row.find_element(By.TAG_NAME, "dt").text: row.find_element(By.TAG_NAME, "dd").text for row in rows
    }
    # The rows to compare with are of 75 sqft and 3 rooms on average; the example has 120 and 4, and is Good.
    assert found == {"Area": "+$4,500", "Quality": "+$7,000", "Rooms": "+$10.00"}
    assert [row.find_element(By.TAG_NAME, "dt").text for row in rows] == ["Quality", "Area", "Rooms"]
    area = browser.find_element(By.CSS_SELECTOR, "#fields input")
    area.send_keys(Keys.CONTROL, "a")
    area.send_keys("60")
    wait_for_text(browser, "#shares dl", "\u2212$1,500")


def test_a_table_is_answered_and_can_be_saved(
    service: Any,
    small: Any,
    browser: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)}
    )
    table = tmp_path / "homes.csv"
    table.write_text("area,rooms,quality\r\n" + "80,3,Good\r\n" * 59 + ',2,"Poor"\r\n')
    browser.get(f"{service.url}/#price/batch")
    wait_for_text(browser, "#batch-title", "A table")
    browser.find_element(By.ID, "batch-file").send_keys(str(table))
    wait_for_text(browser, "#batch-said", "homes.csv: 60 rows answered in")
    assert texts(browser, "#batch-rows thead th") == ["Price", "Area", "Rooms", "Quality"]
    assert len(browser.find_elements(By.CSS_SELECTOR, "#batch-rows tbody tr")) == 50
    browser.find_element(By.CSS_SELECTOR, "#batch-rows button").click()
    saved = tmp_path / "price-predictions.csv"
    WebDriverWait(browser, 15).until(lambda _: saved.exists() and saved.stat().st_size > 0)
    with saved.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[59]["price"]) == small.price(None, 2, "Poor", 2000.0)
    assert (rows[59]["area"], rows[59]["quality"], len(rows)) == ("", "Poor", 60)
    table.write_text("area,rooms,quality\r\n80,three,Good\r\n")
    browser.find_element(By.ID, "batch-file").send_keys(str(table))
    wait_for_text(browser, "#batch-said.fault", "line 2, column 'rooms': expected a number, got 'three'")


def test_live_figures(service: Any, browser: Any) -> None:  # noqa: F811
    browser.get(f"{service.url}/#price/live")
    wait_for_text(browser, "#live-now", "Requests since the start")
    wait_for_text(browser, "#live-now", "Requests a second")
    body = json.dumps({"area": 80, "rooms": 3, "quality": "Good"})

    def answered(_: Any) -> bool:
        requests.post(f"{service.url}/models/price/predict", data=body, timeout=30)
        return " ms" in browser.find_element(By.ID, "live-now").text

    WebDriverWait(browser, 20).until(answered)
    wait_for_text(browser, "#live-said", "Nothing has been asked yet")


def test_a_pasted_address_fills_the_form(pages: Any, web: Any, browser: Any, small: Any) -> None:  # noqa: F811
    browser.get(f"{pages.url}/#price")
    wait_for_text(browser, "label[for=paste-url]", web.url)
    entry = browser.find_element(By.ID, "paste-url")
    entry.send_keys(f"{web.url}/homes/7", Keys.ENTER)
    wait_for_text(browser, "#paste-said", "3 fields read from the page")
    wait_for_text(browser, "#answer .value", f"${small.price(80.5, 3, 'Good', 2000):,.0f}")
    entry.send_keys("x", Keys.ENTER)
    wait_for_text(browser, "#paste-said.fault", "expected a page, got")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_page(service: Any, browser: Any, width: int) -> None:  # noqa: F811
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        for place in ("#price", "#price/batch", "#price/live", "#price/card"):
            browser.get(f"{service.url}/{place}")
            wait_for_text(browser, "#title", "Price")
            assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
