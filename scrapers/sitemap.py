"""XML sitemaps (https://www.sitemaps.org/protocol.html), also packed with gzip: what they name."""

from lxml import etree

from scrapers.body import decode

MAX_BYTES = 50 * 2**20  # of one sitemap, by the protocol
_GZIP = b"\x1f\x8b"


def locations(content: bytes) -> list[str]:
    """Every `loc` of a sitemap or of an index of sitemaps; none when it cannot be read."""
    if content.startswith(_GZIP):
        try:
            content = decode(content, "gzip", max_bytes=MAX_BYTES)
        except ValueError:
            return []
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    root = etree.fromstring(content, parser) if content.strip() else None
    if root is None:
        return []
    texts = ((each.text or "").strip() for each in root.iter("{*}loc"))
    return [text for text in texts if text]
