"""Any payload in, domain alerts out. One module per kind of sender."""
