"""Strict local stand-ins for the providers: real HTTP on a loopback port, with their rules and error shapes.

A stand-in refuses whatever the provider's published description refuses, so that a request which passes here
is one that the provider would take. It can be told to misbehave, and it remembers what it accepted.
"""
