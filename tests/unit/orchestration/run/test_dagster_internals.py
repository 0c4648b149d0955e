"""Dagster's SQLite storages keep their engines, and hold no connection that a fork would copy."""

import dagster as dg

from finpulse_assets.definitions import defs


def test_each_file_of_an_instance_has_one_engine_without_an_open_connection(tmp_path):
    """Defect: an engine for every event compiled each statement anew, half of its cost."""
    defs()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        log = instance.event_log_storage
        files = (
            log.index_connection,
            lambda: log.run_connection("a"),
            lambda: log.run_connection("b"),
            instance.run_storage.connect,
            instance.schedule_storage.connect,
        )
        engines = []
        for connect in files:
            with connect() as first:
                pass
            with connect() as second:
                assert second.engine is first.engine
            assert first.closed
            engines.append(first.engine)
    assert len(set(engines)) == len(files), "each file has its own"
    assert {engine.pool.status() for engine in engines} == {"NullPool"}


def test_a_deleted_run_is_found_nowhere_though_its_engine_is_kept(tmp_path):
    defs()

    @dg.op
    def step() -> None: ...

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        run = (
            dg.GraphDefinition("job", node_defs=[step])
            .to_job()
            .execute_in_process(instance=instance)
        )
        assert instance.all_logs(run.run_id)
        instance.delete_run(run.run_id)
        assert instance.all_logs(run.run_id) == []
