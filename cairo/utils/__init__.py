"""Helpers beside the rates tool."""
