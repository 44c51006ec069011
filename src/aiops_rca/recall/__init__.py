"""A cluster and a history in, similar past incidents and recommended actions out."""
