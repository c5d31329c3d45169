"""The stand-in's web pages: HTML, one style sheet, one small script, and a picture for each panel."""

from acceptance.world.grafana.pages.respond import respond

__all__ = ["respond"]
