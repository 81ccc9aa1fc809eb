"""The few SVG elements that the drawings are made of; lengths in the picture's own units."""

from collections.abc import Sequence

TRIM = "#fbf8f1"
GLASS = "#8fb1bd"


def rect(x: float, y: float, width: float, height: float, fill: str, extra: str = "") -> str:
    """A filled rectangle from its upper left corner."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{fill}" {extra}/>'


def polygon(points: Sequence[tuple[float, float]], fill: str, extra: str = "") -> str:
    """A filled polygon."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{path}" fill="{fill}" {extra}/>'


def circle(x: float, y: float, radius: float, fill: str, extra: str = "") -> str:
    """A filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" {extra}/>'


def line(path: str, color: str, width: float) -> str:
    """A stroked path without a fill."""
    return f'<path d="{path}" fill="none" stroke="{color}" stroke-width="{width:.1f}"/>'


def shade(fill: str, factor: float) -> str:
    """A #rrggbb colour made darker (factor below 1) or lighter."""
    parts = [int(fill[start : start + 2], 16) for start in (1, 3, 5)]
    return "#" + "".join(f"{min(255, round(part * factor)):02x}" for part in parts)


def window(x: float, y: float, width: float, height: float) -> str:
    """A window of four panes."""
    frame = rect(x, y, width, height, GLASS, f'stroke="{TRIM}" stroke-width="3"')
    bars = f"M{x + width / 2:.1f} {y:.1f}v{height:.1f}M{x:.1f} {y + height / 2:.1f}h{width:.1f}"
    return frame + line(bars, TRIM, 1.4)
