"""The correlator process: drains the journal, folds, diagnoses, stores."""
