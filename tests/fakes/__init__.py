"""Stand-ins for gateways, for tests only; each keeps the contract of the real thing."""
