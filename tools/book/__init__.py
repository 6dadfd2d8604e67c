"""The sample clinic's book: invented people, their appointments, and the events that tell of them.

Standard library only, no clock, no network. Everything is drawn from named dice (`dice.py`), so that the same
code makes the same book, byte for byte, on every machine. `make_book.py` beside this package writes the file.
"""
