"""The pages of a service with API keys: asked for once, sent with everything, kept for the tab."""

from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from serving.keys import add_key
from tests.serving.test_serving_pages import browser, wait_for_text  # noqa: F401 (fixtures)


@pytest.fixture
def locked(small: Any, tmp_path: Any, starting: Any) -> Any:
    """A service, and the key that it takes."""
    small.write_price(tmp_path / "models")
    key = add_key(tmp_path / "keys.txt", "shop")
    return starting(tmp_path / "models", api_keys=str(tmp_path / "keys.txt")), key


def give(browser: Any, key: str) -> None:  # noqa: F811
    browser.find_element(By.ID, "key").send_keys(key, Keys.ENTER)


def test_the_page_asks_for_the_key_and_works_with_it(locked: Any, browser: Any) -> None:  # noqa: F811
    running, key = locked
    browser.get(running.url)
    wait_for_text(browser, "dialog", "This service needs an API key")
    give(browser, "wrong")
    wait_for_text(browser, "dialog", "none of the service's")
    give(browser, key)
    wait_for_text(browser, "#title", "Price")
    wait_for_text(browser, "#answer .value", "$")
    assert not browser.find_elements(By.TAG_NAME, "dialog")
    assert "Authorization: Bearer $KEY" in browser.find_element(By.ID, "curl").get_property("textContent")
    assert key not in browser.page_source
    browser.get(f"{running.url}/#price/live")
    wait_for_text(browser, "#live-now", "Requests")
    browser.get(f"{running.url}/docs")
    wait_for_text(browser, "#title", "Millrace API")
    assert not browser.find_elements(By.TAG_NAME, "dialog")


def test_who_gives_none_is_told_and_left_alone(locked: Any, browser: Any) -> None:  # noqa: F811
    running, _ = locked
    browser.get(running.url)
    browser.execute_script("sessionStorage.clear()")
    browser.get(f"{running.url}/docs")
    wait_for_text(browser, "dialog", "This service needs an API key")
    browser.find_element(By.CSS_SELECTOR, "dialog input").send_keys(Keys.ESCAPE)
    wait_for_text(browser, "#about", "this service needs an API key")
    browser.get(running.url)
    wait_for_text(browser, "dialog", "Who runs it can give you one")
    browser.find_element(By.CSS_SELECTOR, "dialog button[type=button]").click()
    wait_for_text(browser, "#failures", "this service needs an API key")
    assert not browser.find_elements(By.TAG_NAME, "dialog")
