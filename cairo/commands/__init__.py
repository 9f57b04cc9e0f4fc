"""The commands of `cairo`, a file each for those that belong together."""
