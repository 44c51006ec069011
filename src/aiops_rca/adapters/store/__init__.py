"""The journal and the incidents in a database."""
