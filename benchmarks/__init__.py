"""How fast the pass over a stock's loads is, beside the parquet reader and beside its peers."""
