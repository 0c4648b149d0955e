"""A request to the service and its answer, without HTTP."""
