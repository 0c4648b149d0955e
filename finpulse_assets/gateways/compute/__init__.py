"""Where texts are scored and settings searched for: in this process, or on a Ray cluster."""
