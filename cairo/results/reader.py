"""The reader of run directories, under the name that results know."""

from cairo.rates_tool.run_reader import RunReader

__all__ = ["RunReader"]
