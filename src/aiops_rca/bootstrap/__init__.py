"""The only place where objects meet: `service` puts a worker together, `correlator` the process beside it."""
