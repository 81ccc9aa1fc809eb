"""The embedded site: a listing site of real house sales, behind a local server."""
