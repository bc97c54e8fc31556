"""Trunks and dispatch rules of the embedded media plane."""
