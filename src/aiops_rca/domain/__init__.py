"""Frozen values, standard library only: the words of the project as types."""
