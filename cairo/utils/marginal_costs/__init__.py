"""Marginal prices: readers and allocations."""
