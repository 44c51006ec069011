"""Asks a language model about diagnoses: who gets a call, and what becomes of the answer."""
