"""Exports of clinic systems in: CSV files become events, by a mapping (`worker/workspace/config_sources.py`).

`survey` looks a file over before anything is taken from it; `rows` streams its rows; `header` finds out which of the mapping's files it is; `patients`, `appointments`
and `consents` say what a row tells; `deciding` says what is new in it against what was told before. Nothing here knows a database or a clock.
"""
