"""Where work runs: Dask settings, sizing, clusters, processes, memory, progress."""
