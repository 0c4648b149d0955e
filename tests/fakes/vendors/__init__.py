"""Vendors on loopback: one application that serves all of them from one generated corpus."""
