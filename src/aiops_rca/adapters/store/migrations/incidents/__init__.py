"""Versions of the incidents' tables."""
