"""A run from its scenario to its directory, the notebook functions, and the demo."""
