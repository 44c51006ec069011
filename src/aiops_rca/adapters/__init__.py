"""Every side effect: files, model store, metrics, log."""
