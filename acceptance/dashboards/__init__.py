"""Dashboard JSON as it is read by probes, lint rules and pictures. Nothing here asks a server."""
