"""The demo: the sample clinic's last weeks, lived through on a virtual clock by the real system."""
