"""Finished runs: opening, plotting, comparing and reporting them."""
