"""What `run.py` is made of: everything up to the moment the locked environment can take over.

Standard library only, because nothing else is installed yet; knows `aiops_rca` by its commands alone.
"""
