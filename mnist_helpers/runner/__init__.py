"""Runs notebooks headless: one series or many, on one machine or a cluster."""
