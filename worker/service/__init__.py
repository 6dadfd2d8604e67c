"""The use cases. Everything above this room is one call into it; it returns what is due and leaves queueing to its caller."""
