"""One outside thing each: a source, a store, a server. Protocol and real parts; no fakes."""
