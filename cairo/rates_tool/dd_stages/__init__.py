"""The two stages as a Dask DataFrame partitioned by building, chosen by `dask_dataframe`."""
