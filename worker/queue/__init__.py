"""The queue's plumbing: a Valkey or Redis server, the broker on it, one leader among tickers, and the processes that work.

Nothing here knows a patient, a journey or a table. Whatever lies on the queue can be lost at any time without loss of work: due times and
unprocessed events live in the database, and a sweeper queues again what has run out.
"""
