"""Figures as pure functions of frames; each title states what is to be seen."""
