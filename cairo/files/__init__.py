"""A file a format: readers and writers, each with its checks."""
