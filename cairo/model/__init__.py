"""NumPy formulas and typed data; imports nothing above it."""
