"""Events in, incidents out: the life of an incident as a pure fold over the journal."""
