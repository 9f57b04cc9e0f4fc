"""Scenario files: YAML to settings to inputs, every input error found before work."""
