"""Short lines of text about homes and neighborhoods."""

from calendar import month_name as _months
from statistics import median

from demo.sales import Home, Neighborhood

_BUILDINGS = {
    "1Fam": "home",
    "2fmCon": "two-family home",
    "Duplex": "duplex",
    "Twnhs": "townhouse",
    "TwnhsE": "townhouse",
}


def headline(home: Home) -> str:
    """A home in a few words: "One-story home in North Ames"."""
    style = home.shown["house_style"].split(",")[0].capitalize()
    return f"{style} {_BUILDINGS[home.codes['bldg_type']]} in {home.shown['neighborhood']}"


def month_name(number: str) -> str:
    """The month's English name for 1 to 12."""
    return _months[int(number)]


def age_line(place: Neighborhood) -> str:
    """When a neighborhood's homes were built: "1950 to 1968, most around 1959"."""
    years = sorted(int(home.codes["year_built"]) for home in place.homes)
    if years[0] == years[-1]:
        return f"{years[0]}"
    return f"{years[0]} to {years[-1]}, half of them by {round(median(years))}"
