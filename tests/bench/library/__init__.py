from tests.bench.library.table import measure

__all__ = ["measure"]
