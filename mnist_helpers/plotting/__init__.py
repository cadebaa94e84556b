"""Figures of the series. Functions draw what they are given and return a `Figure`."""
