"""The rates tool: CAIRO's modules under CAIRO's own names."""
