"""What is behind the door: incident requests, service information, the API page."""
