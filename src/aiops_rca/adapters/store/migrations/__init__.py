"""The history of the tables: one folder for each of the two databases, run by `store.migrating`."""
