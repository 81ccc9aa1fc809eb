"""A drawing of a house from its facts: storeys, roof, cladding, garage, porch and season of sale, as SVG."""

from collections.abc import Mapping
from random import Random

from demo.scenery import backdrop, garden, season_of
from demo.strokes import GLASS, TRIM, circle, line, polygon, rect, shade, window

Codes = Mapping[str, str]
_GROUND = 256
_STOREY = 56
_WALLS = {
    "BrkFace": "#b0664f",
    "BrkComm": "#a3593f",
    "Stone": "#b3a999",
    "CBlock": "#b9b4aa",
    "PreCast": "#b9b4aa",
    "Stucco": "#e6d6b8",
    "ImStucc": "#ead9bd",
    "WdShing": "#a98a66",
    "AsbShng": "#b7bfb4",
    "AsphShn": "#9c9f96",
}
_PAINTS = ["#f1e9d8", "#dfe5df", "#c9d6db", "#e7d3bd", "#c7cfb7", "#d9d2c5", "#b9c7cf", "#e9e4da"]
_ROOFS = ["#5b5650", "#6d5a4c", "#4c5560", "#74695d", "#5a4742"]
_DOORS = ["#8c3b2e", "#2f5d56", "#35506b", "#6b4a2b", "#b07d2b"]


def house_svg(codes: Codes) -> str:
    """The drawing for one sale's source codes, 480 x 320; the same codes give the same drawing."""
    chance = Random(codes["pid"])  # noqa: S311 - picks colours
    season = season_of(int(codes["mo_sold"]))
    levels = 1 if codes["house_style"].startswith("1") else 2
    width = min(230, 130 + int(codes["first_flr_sf"]) // 18)
    garage = _garage_width(codes)
    gap = 26 if codes["garage_type"] == "Detchd" and garage else 0
    left = 240 - (width + gap + garage) / 2
    right = left + width + gap + garage
    wall = _WALLS.get(codes["exterior_1st"]) or chance.choice(_PAINTS)
    roof = chance.choice(_ROOFS)
    parts = [
        backdrop(season, chance),
        _chimney(codes, left + width * 0.72, levels),
        _garage(codes, right - garage, garage, wall, roof),
        _walls(codes, left, width, levels, wall),
        _roof(codes, left, width, _GROUND - levels * _STOREY, roof),
        _windows(left, width, levels),
        _entrance(codes, left + width * 0.5, chance.choice(_DOORS), roof),
        garden(season, left, right, fenced=codes["fence"] != "NA", chance=chance),
    ]
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 480 320">{"".join(parts)}</svg>'


def _walls(codes: Codes, left: float, width: float, levels: int, wall: str) -> str:
    top = _GROUND - levels * _STOREY
    courses = "".join(f"M{left:.1f} {y}h{width:.1f}" for y in range(top + 8, _GROUND - 6, 8))
    veneer = ""
    if codes["mas_vnr_type"] not in ("None", ""):
        stone = "#b3a999" if codes["mas_vnr_type"] == "Stone" else "#a8634d"
        veneer = rect(left, _GROUND - 22, width, 22, stone)
    base = rect(left - 2, _GROUND - 6, width + 4, 8, "#9a958b")
    return rect(left, top, width, levels * _STOREY, wall) + line(courses, shade(wall, 0.9), 1) + veneer + base


def _roof(codes: Codes, left: float, width: float, eaves: float, fill: str) -> str:
    start, end = left - 10, left + width + 10
    upper_level = "Fin" in codes["house_style"] or "Unf" in codes["house_style"]
    high = 62 if upper_level else 44
    ridges = {
        "Flat": [(start, eaves - 10), (end, eaves - 10)],
        "Shed": [(start, eaves - 12), (end, eaves - 44)],
        "Hip": [(start + width * 0.22, eaves - high), (end - width * 0.22, eaves - high)],
        "Mansard": [(start + 14, eaves - 40), (end - 14, eaves - 40)],
        "Gambrel": [(start + 20, eaves - 34), ((start + end) / 2, eaves - 62), (end - 20, eaves - 34)],
        "Gable": [(start + 22, eaves - high), (end - 22, eaves - high)],
    }
    slopes = polygon([(start, eaves), *ridges[codes["roof_style"]], (end, eaves)], fill)
    front = ""
    if upper_level:
        front = _dormers(left, width, eaves, fill)
    elif codes["roof_style"] == "Gable" and codes["house_style"] != "SFoyer":
        front = _gable(left, width, eaves, fill)
    return slopes + rect(start, eaves - 3, end - start, 5, TRIM) + front


def _gable(left: float, width: float, eaves: float, roof: str) -> str:
    """A front gable over one side, which tells a gabled roof from a hipped one."""
    start, end = left + width * 0.06, left + width * 0.42
    middle, peak = (start + end) / 2, eaves - 46
    face = polygon([(start, eaves), (middle, peak), (end, eaves)], "#efe6d4")
    vent = circle(middle, eaves - 16, 5.5, GLASS, f'stroke="{TRIM}" stroke-width="2"')
    rim = f"M{start - 8:.1f} {eaves + 3:.1f}L{middle:.1f} {peak - 3:.1f}L{end + 8:.1f} {eaves + 3:.1f}"
    return face + vent + line(rim, shade(roof, 0.85), 6)


def _dormers(left: float, width: float, eaves: float, roof: str) -> str:
    parts = []
    for middle in (left + width * 0.27, left + width * 0.73):
        parts.append(rect(middle - 13, eaves - 38, 26, 28, "#efe6d4"))
        parts.append(window(middle - 8, eaves - 34, 16, 20))
        peak = [(middle - 18, eaves - 37), (middle, eaves - 53), (middle + 18, eaves - 37)]
        parts.append(polygon(peak, shade(roof, 0.85)))
    return "".join(parts)


def _windows(left: float, width: float, levels: int) -> str:
    shares = [0.11, 0.29, 0.71, 0.89] if width > 190 else [0.2, 0.8]
    parts = []
    for level in range(levels):
        top = _GROUND - (level + 1) * _STOREY + 13
        parts += [window(left + width * share - 11, top, 22, 28) for share in shares]
        if level:
            parts.append(window(left + width / 2 - 10, top, 20, 28))
    return "".join(parts)


def _entrance(codes: Codes, middle: float, door: str, roof: str) -> str:
    parts = [rect(middle - 13, _GROUND - 42, 26, 40, TRIM), rect(middle - 10, _GROUND - 39, 20, 37, door)]
    parts.append(circle(middle + 6, _GROUND - 20, 1.6, "#f3e3b3"))
    if any(codes[porch] != "0" for porch in ("open_porch_sf", "enclosed_porch", "screen_porch")):
        top = _GROUND - 46
        parts += [rect(middle + side - 2, top, 4, 46, TRIM) for side in (-30, 30)]
        cover = [(middle - 40, top), (middle - 30, top - 12), (middle + 30, top - 12), (middle + 40, top)]
        parts += [polygon(cover, roof), rect(middle - 40, top - 1, 80, 4, TRIM)]
    return "".join(parts) + rect(middle - 20, _GROUND - 2, 40, 5, "#b8b1a4")


def _chimney(codes: Codes, x: float, levels: int) -> str:
    if codes["fireplaces"] == "0":
        return ""
    top = _GROUND - levels * _STOREY - (40 if codes["roof_style"] == "Flat" else 74)
    return rect(x, top, 18, 90, "#94543f") + rect(x - 3, top, 24, 6, "#7b4534")


def _garage_width(codes: Codes) -> int:
    """How far a garage stands out beside the house: 0 when there is none, or it lies inside."""
    cars = int(codes["garage_cars"] or 0)
    if not cars or codes["garage_type"] in ("NA", "BuiltIn", "Basment"):
        return 0
    return 22 + 40 * min(cars, 3)


def _garage(codes: Codes, left: float, width: float, wall: str, roof: str) -> str:
    if not width:
        return ""
    top = _GROUND - 48
    if codes["garage_type"] == "CarPort":
        posts = [rect(left + at, top, 5, 48, TRIM) for at in (4, width - 6)]
        return rect(left - 6, top - 8, width + 12, 9, roof) + "".join(posts)
    cover = [(left - 6, top), (left + 14, top - 30), (left + width - 14, top - 30), (left + width + 8, top)]
    parts = [rect(left, top, width, 48, shade(wall, 0.95)), polygon(cover, roof)]
    parts.append(rect(left - 6, top - 2, width + 14, 4, TRIM))
    doors = min(int(codes["garage_cars"]), 3)
    wide = (width - 14) / doors
    for x in (left + 9 + number * wide for number in range(doors)):
        parts.append(rect(x, _GROUND - 37, wide - 6, 37, TRIM))
        panels = "".join(f"M{x + 2:.1f} {_GROUND - 37 + step}h{wide - 10:.1f}" for step in (9, 18, 27))
        parts.append(line(panels, "#d8d2c4", 1.5))
    return "".join(parts)
