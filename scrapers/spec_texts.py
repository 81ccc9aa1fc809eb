"""Texts of a spec that mean something by themselves: selectors, patterns, the base URL; tried when read."""

import re
from typing import Annotated
from urllib.parse import urlsplit

import jmespath
import soupsieve
from lxml import etree
from pydantic import AfterValidator


def _checked_css(css: str) -> str:
    try:
        soupsieve.compile(css)
    except soupsieve.SelectorSyntaxError as error:
        raise ValueError(f"not a CSS selector: {css!r} ({str(error).splitlines()[0]})") from error
    return css


def _checked_xpath(xpath: str) -> str:
    try:
        etree.XPath(xpath)(etree.Element("html"))  # unknown functions show when it is run
    except etree.XPathError as error:
        raise ValueError(f"not an XPath expression: {xpath!r} ({error})") from error
    return xpath


def _checked_json_path(path: str) -> str:
    try:
        jmespath.compile(path).search(None)  # unknown functions show when it is run
    except jmespath.exceptions.JMESPathTypeError:
        return path  # of a function that takes no null
    except jmespath.exceptions.JMESPathError as error:
        raise ValueError(f"not a JMESPath: {path!r} ({' '.join(str(error).split())})") from error
    return path


def _checked_regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {pattern!r} ({error})") from error
    return pattern


def _checked_base(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"expected http(s)://host[:port] without a path, got {url!r}")
    return url.rstrip("/")


Css = Annotated[str, AfterValidator(_checked_css)]
XPath = Annotated[str, AfterValidator(_checked_xpath)]
JsonPath = Annotated[str, AfterValidator(_checked_json_path)]
Regex = Annotated[str, AfterValidator(_checked_regex)]
BaseUrl = Annotated[str, AfterValidator(_checked_base)]
