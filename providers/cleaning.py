"""Vendors' values as every database can keep them."""

import math
from typing import Any


def storable(value: Any) -> Any:
    """`value` without what JSON columns and texts refuse: NUL, half characters, NaN and infinity."""
    if isinstance(value, str):
        return value.replace("\x00", "").encode(errors="replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {storable(name): storable(item) for name, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return value
