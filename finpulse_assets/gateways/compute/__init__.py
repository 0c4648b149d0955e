"""Where texts are scored: in this process, or by actors on the machines of a Ray cluster."""
