"""What callers see."""

from deploy.monitoring.panels import ALL, ASKED, Panel, Row, hit_rate, quantile, share, total


def answers() -> list[Row]:
    """Whether to read on; traffic, errors and speed."""
    return [_now(), _traffic(), _speed()]


def _now() -> Row:
    return Row(
        "Now",
        height=4,
        panels=[
            Panel(
                "Alerts",
                "Alerts that fire now; docs/operation.md says what to do about each.",
                {"firing": 'count(ALERTS{alertstate="firing",job="$job"}) or vector(0)'},
                thresholds=(1, 2),
                kind="stat",
            ),
            Panel(
                "Not ready",
                "Instances that can't be read, or whose model fails.",
                {
                    "instances": "count(up"
                    f"{{{ALL}}} == 0 or min without (worker) (sentiserve_model_ready{{{ALL}}})"
                    " == 0) or vector(0)"
                },
                thresholds=(1, 1),
                kind="stat",
            ),
            Panel(
                "Requests a second",
                "All but health and metrics.",
                {"requests": total("sentiserve_requests_total", labels=ASKED)},
                unit="reqps",
                kind="stat",
            ),
            Panel(
                "Failing",
                "Requests answered by 5xx; the objective is 0.1 %.",
                {"failing": share("sentiserve_requests_total", 'status=~"5.."', ASKED)},
                unit="percentunit",
                thresholds=(0.001, 0.0144),
                kind="stat",
            ),
            Panel(
                "Slowest of a hundred",
                "99 % of the requests took less.",
                {"p99": quantile(0.99, "sentiserve_request_seconds", ASKED)},
                unit="s",
                thresholds=(0.5, 2),
                kind="stat",
            ),
            Panel(
                "Remembered",
                "Posts and texts answered from the store.",
                {"hits": hit_rate()},
                unit="percentunit",
                kind="stat",
            ),
        ],
    )


def _traffic() -> Row:
    return Row(
        "Traffic and errors",
        [
            Panel(
                "Requests by route",
                "Where the traffic goes.",
                {"{{route}}": total("sentiserve_requests_total", "route", labels=ASKED)},
                unit="reqps",
                stacked=True,
            ),
            Panel(
                "Requests by status",
                "429 is the limit of a client, 499 one that left, 503 load or a part that fails.",
                {"{{status}}": total("sentiserve_requests_total", "status", labels=ASKED)},
                unit="reqps",
                stacked=True,
            ),
            Panel(
                "Failing requests",
                "Share of 5xx. Dashed: the objective, and what uses up the month in two days.",
                {"failing": share("sentiserve_requests_total", 'status=~"5.."', ASKED)},
                unit="percentunit",
                thresholds=(0.001, 0.0144),
            ),
        ],
    )


def _speed() -> Row:
    return Row(
        "How fast",
        [
            Panel(
                "Time of a request",
                "From its arrival to its answer; long lists take long.",
                {
                    "half are below": quantile(0.5, "sentiserve_request_seconds", ASKED),
                    "90 % are below": quantile(0.9, "sentiserve_request_seconds", ASKED),
                    "99 % are below": quantile(0.99, "sentiserve_request_seconds", ASKED),
                },
                unit="s",
                thresholds=(2,),
            ),
            Panel(
                "Mean time by route",
                "Which calls are slow.",
                {
                    "{{route}}": total("sentiserve_request_seconds_sum", "route", labels=ASKED)
                    + " / "
                    + total("sentiserve_request_seconds_count", "route", labels=ASKED)
                },
                unit="s",
            ),
            Panel(
                "Texts waiting for the model",
                "By instance. SENTISERVE_MAX_WAIT and SENTISERVE_MAX_QUEUE bound it.",
                {"{{instance}}": f"sum without (worker) (sentiserve_queued_texts{{{ALL}}})"},
            ),
        ],
    )
