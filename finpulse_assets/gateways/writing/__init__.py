"""Language models that write reports: one of this machine in a process of its own, or a server."""
