"""What stands around a drawn house: sky, hills, lawn, trees and fence, in the season of the sale."""

from dataclasses import dataclass
from random import Random

from demo.strokes import TRIM, circle, line, polygon, rect, shade


@dataclass(frozen=True)
class Season:
    """Colours of a time of the year."""

    sky: str
    horizon: str
    grass: str
    leaves: tuple[str, ...]
    bare: bool = False


_WINTER = Season("#d5dfe6", "#eef2f3", "#e9eeee", ("#b9b3a6", "#a8a295"), bare=True)
_SPRING = Season("#cfe3ea", "#f4f1e3", "#a9c58a", ("#8fb573", "#b7cc86", "#e6b7bd"))
_SUMMER = Season("#bfdde9", "#f3efd9", "#8db26f", ("#5f8f57", "#749f5e"))
_AUTUMN = Season("#d6dfe0", "#f5e9d3", "#b3b071", ("#c9823c", "#b5652f", "#d3a545"))
_BY_MONTH = [_WINTER] * 2 + [_SPRING] * 3 + [_SUMMER] * 3 + [_AUTUMN] * 3 + [_WINTER]


def season_of(month: int) -> Season:
    """The season of a month, 1 to 12."""
    return _BY_MONTH[month - 1]


def backdrop(season: Season, chance: Random) -> str:
    """Sky, sun, hills and lawn over the whole picture."""
    crests = [
        (0.0, 232.0),
        (90.0, chance.randint(196, 218)),
        (210.0, 226.0),
        (330.0, chance.randint(192, 216)),
    ]
    hills = [*crests, (480.0, 230.0), (480.0, 270.0), (0.0, 270.0)]
    stops = f'<stop stop-color="{season.sky}"/><stop offset="1" stop-color="{season.horizon}"/>'
    return (
        f'<defs><linearGradient id="sky" x1="0" y1="0" x2="0" y2="1">{stops}</linearGradient></defs>'
        + rect(0, 0, 480, 320, "url(#sky)")
        + circle(chance.randint(50, 430), 58, 22, "#fff6da", 'opacity=".85"')
        + polygon(hills, shade(season.grass, 1.08), 'opacity=".55"')
        + rect(0, 244, 480, 76, season.grass)
    )


def garden(season: Season, left: float, right: float, *, fenced: bool, chance: Random) -> str:
    """Path, shrubs and a tree on either side of buildings that reach from `left` to `right`."""
    middle = left + (right - left) * 0.35
    path = [(middle - 10, 258.0), (middle + 10, 258.0), (middle + 26, 320.0), (middle - 18, 320.0)]
    parts = [
        polygon(path, "#d8d1c3"),
        _tree(max(22, left - chance.randint(30, 48)), 264, chance.randint(86, 130), season, chance),
        _tree(min(460, right + chance.randint(26, 44)), 268, chance.randint(64, 112), season, chance),
    ]
    green = shade(season.leaves[0], 0.92)
    for _ in range(3):
        x = left + 14 + chance.randint(0, 60)
        parts.append(f'<ellipse cx="{x:.1f}" cy="262" rx="13" ry="9" fill="{green}"/>')
    return "".join(parts) + (_fence(right) if fenced else "")


def _tree(x: float, base: float, size: float, season: Season, chance: Random) -> str:
    leaf = chance.choice(season.leaves)
    trunk = rect(x - size * 0.06, base - size * 0.5, size * 0.12, size * 0.5, "#7a6552")
    if season.bare:
        branches = [
            (0.4, -0.26, 0.34),
            (0.4, 0.26, 0.34),
            (0.48, -0.1, 0.5),
            (0.48, 0.12, 0.46),
            (0.35, 0.3, 0.2),
        ]
        twigs = [f"M{x:.1f} {base - size * y:.1f}l{size * dx:.1f} {-size * dy:.1f}" for y, dx, dy in branches]
        return trunk + line("".join(twigs), "#8a7663", size * 0.035)
    crown = [(0, 0.78, 0.34), (-0.22, 0.62, 0.26), (0.22, 0.62, 0.26)]
    return trunk + "".join(circle(x + size * dx, base - size * dy, size * r, leaf) for dx, dy, r in crown)


def _fence(start: float) -> str:
    pickets = "".join(rect(x, 246, 5, 24, TRIM) for x in range(int(start) + 14, 480, 10))
    return rect(start + 10, 252, 480 - start, 3, TRIM) + rect(start + 10, 262, 480 - start, 3, TRIM) + pickets
