"""Pages to records: crawl a site by its spec, parse what was crawled."""
