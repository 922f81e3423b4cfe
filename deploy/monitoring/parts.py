"""What answers are made of."""

from deploy.monitoring.panels import ALL, Panel, Row, hit_rate, quantile, rate, share, total


def parts() -> list[Row]:
    """Model, predictions, store, sources; what it runs on; which versions these are."""
    return [
        *(_model(), _predictions(), _drift()),
        *(_store(), _sources()),
        *(_processes(), _versions()),
    ]


def _model() -> Row:
    return Row(
        "Model",
        [
            Panel(
                "Time of one inference",
                "Of a batch; it grows with the batch, and where cores are short.",
                {
                    "half are below": quantile(0.5, "sentiserve_inference_seconds"),
                    "99 % are below": quantile(0.99, "sentiserve_inference_seconds"),
                },
                unit="s",
            ),
            Panel(
                "Texts in an inference",
                "1 while there is little to do; large batches are load.",
                {
                    "mean": total("sentiserve_batch_size_sum")
                    + " / "
                    + total("sentiserve_batch_size_count"),
                    "99 % are below": quantile(0.99, "sentiserve_batch_size"),
                },
            ),
            Panel(
                "Texts that the model failed on",
                "None, as a rule; the log has the reason.",
                {"{{instance}}": f"sum without (worker) ({rate('sentiserve_model_errors_total')})"},
                unit="ops",
            ),
        ],
    )


def _predictions() -> Row:
    return Row(
        "Predictions",
        [
            Panel(
                "By outcome",
                "hit: by the store. miss: by the model. refused: for want of room. failed: error.",
                {"{{outcome}}": total("sentiserve_predictions_total", "outcome")},
                unit="ops",
                stacked=True,
            ),
            Panel(
                "Refused",
                "Share of texts that there was no room for.",
                {"refused": share("sentiserve_predictions_total", 'outcome="refused"')},
                unit="percentunit",
                thresholds=(0.01,),
            ),
            Panel(
                "Labels",
                "Shares of new predictions. What changes in steps is a model, what creeps a drift.",
                {
                    "{{label}}": total("sentiserve_labels_total", "label")
                    + " / scalar("
                    + total("sentiserve_labels_total")
                    + ")"
                },
                unit="percentunit",
                share=True,
                stacked=True,
            ),
        ],
    )


def _drift() -> Row:
    drifted = f"max by (feature) (sentiserve_drift_alarm{{{ALL}}})"
    return Row(
        "Drift",
        [
            Panel(
                "Drifted features",
                "1 while a feature of the newest posts differs from the model's profile.",
                {"{{feature}}": drifted},
            ),
            Panel(
                "How far",
                "The effect, by feature; docs/drift.md says what is large. None before 200 posts.",
                {"{{feature}}": f"max by (feature) (sentiserve_drift_effect{{{ALL}}})"},
            ),
            Panel(
                "Posts compared",
                "The newest ones in the store.",
                {"posts": f"max (sentiserve_drift_window_posts{{{ALL}}})"},
            ),
        ],
    )


def _store() -> Row:
    return Row(
        "Store",
        [
            Panel(
                "Remembered",
                "Share answered from the store; 0 after a change of the model, or with no store.",
                {"hits": hit_rate()},
                unit="percentunit",
                share=True,
            ),
            Panel(
                "Failures by operation",
                "get costs hits; put and forget are tried again; history and journal are the disk.",
                {"{{operation}}": total("sentiserve_store_errors_total", "operation")},
                unit="ops",
            ),
            Panel(
                "Predictions written, and waiting",
                "What waits is in the journal; it falls once the store takes it.",
                {
                    "written a second": total("sentiserve_recorded_total"),
                    "waiting": f"sum (sentiserve_queued_records{{{ALL}}})",
                },
            ),
            Panel(
                "Journal",
                "Bytes that store or history lack, by process; full at SENTISERVE_MAX_JOURNAL.",
                {"{{instance}}": f"max without (worker) (sentiserve_journal_bytes{{{ALL}}})"},
                unit="bytes",
                thresholds=(256 * 1024 * 1024,),
            ),
        ],
    )


def _sources() -> Row:
    return Row(
        "Sources",
        [
            Panel(
                "Posts given",
                "By source.",
                {"{{source}}": total("sentiserve_source_posts_total", "source")},
                unit="ops",
            ),
            Panel(
                "Posts not given",
                "NotFoundError is no failure: the next source may have it. Quota… and Budget… are.",
                {
                    "{{source}}: {{error}}": total(
                        "sentiserve_source_errors_total", "source", "error"
                    )
                },
                unit="ops",
            ),
        ],
    )


def _processes() -> Row:
    return Row(
        "Processes",
        [
            Panel(
                "Cores in use",
                "By instance, all workers together.",
                {"{{instance}}": f"sum without (worker) ({rate('process_cpu_seconds_total')})"},
            ),
            Panel(
                "Memory",
                "Resident, by instance, all workers together.",
                {"{{instance}}": f"sum without (worker) (process_resident_memory_bytes{{{ALL}}})"},
                unit="bytes",
            ),
            Panel(
                "Open files",
                "Share of what the fullest process may have; connections, mostly.",
                {
                    "{{instance}}": f"max without (worker) (process_open_fds{{{ALL}}}"
                    f" / process_max_fds{{{ALL}}})"
                },
                unit="percentunit",
                thresholds=(0.8,),
            ),
        ],
    )


def _versions() -> Row:
    return Row(
        "Versions",
        height=6,
        panels=[
            Panel(
                "Models",
                "Which model each process answers with; one id, but while a new one is rolled out.",
                {"": f"count by (instance, id) (sentiserve_model_info{{{ALL}}})"},
                kind="table",
            ),
            Panel(
                "Versions of sentiserve",
                "Of each instance.",
                {"": f"count by (instance, version) (sentiserve_build_info{{{ALL}}})"},
                kind="table",
            ),
            Panel(
                "Hours since it started",
                "The youngest process of each instance; the blue marks are starts.",
                {
                    "{{instance}}": "(time() - max without (worker) "
                    f"(process_start_time_seconds{{{ALL}}})) / 3600"
                },
                unit="h",
            ),
        ],
    )
