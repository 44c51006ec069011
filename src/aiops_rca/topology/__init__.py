"""Anything that describes who calls whom, to a service graph."""
