"""The services that the tests stand on are real, and new for each test."""

from __future__ import annotations

import sqlalchemy

from worker.queue.client import connect


def test_the_database_is_empty_and_holds_what_is_written(bare_database_url: str) -> None:
    engine = sqlalchemy.create_engine(bare_database_url)
    with engine.begin() as connection:
        assert sqlalchemy.inspect(connection).get_table_names() == []
        connection.execute(sqlalchemy.text("CREATE TABLE word (said text)"))
        connection.execute(sqlalchemy.text("INSERT INTO word VALUES ('γειά')"))
        assert connection.execute(sqlalchemy.text("SELECT said FROM word")).scalar_one() == "γειά"
    engine.dispose()


def test_the_next_database_is_another(bare_database_url: str) -> None:
    test_the_database_is_empty_and_holds_what_is_written(bare_database_url)


def test_the_queue_is_empty(valkey_url: str) -> None:
    client = connect(valkey_url)
    assert client.dbsize() == 0
    client.set("left", "behind")
    client.close()


def test_the_next_queue_is_empty_too(valkey_url: str) -> None:
    test_the_queue_is_empty(valkey_url)
