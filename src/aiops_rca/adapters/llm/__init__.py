"""Talks to the Anthropic API: one question, one checked answer or one named reason why there is none."""
