"""Utility rates and bill alignment over hourly building loads."""

__version__ = "0.1.0"
