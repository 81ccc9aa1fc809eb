"""A small model card for tests."""

from typing import Any

CARD: dict[str, Any] = {
    "model": "A sum of three fields.",
    "intended_use": "To test the service with.",
    "data": {
        "source": "Made up.",
        "site": "houses",
        "records": 1200,
        "rows": {"train": 1000, "test": 200},
        "split": "by a hash of the key",
        "period": "2006 to 2010",
        "target": {"name": "price", "unit": "USD", "minimum": 1000, "median": 9000, "maximum": 20000},
    },
    "confidence": 0.95,
    "metrics": [
        {"name": "rmsle", "value": 0.1, "low": 0.09, "high": 0.12, "others": {"median": 0.4}},
        {"name": "mae", "value": 812.5, "unit": "USD", "better": "less"},
    ],
    "slices": [
        {"slicing": "town", "name": "Ames", "rows": 120, "metrics": {"rmsle": 0.08, "mae": 700}},
        {"slicing": "town", "name": "Boone | <b>", "rows": 77, "metrics": {"rmsle": 0.13, "mae": 990}},
        {"slicing": "town", "name": "Nevada", "rows": 3, "metrics": {"rmsle": 0.31, "mae": 2000}},
        {"slicing": "age", "name": "under 5", "rows": 200, "metrics": {"rmsle": 0.1, "mae": 812.5}},
    ],
    "few_rows": 20,
    "meanings": {"rmsle": "root mean squared log error"},
    "limits": ["Made up, so it knows *nothing*.", "A field_name stays as it is."],
}  # fmt: skip
