"""The model that the settings name: where it is, what it says of itself, and loading it."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from sentiserve.insights.watch import Reference
from sentiserve.models.bundle import open_bundle
from sentiserve.models.locations import locate
from sentiserve.models.registry import load_model, model_loader
from sentiserve.models.remote import OnProgress, quiet
from sentiserve.protocols import Model
from sentiserve.settings import Settings
from sentiserve.types import ModelInfo


def build_model(settings: Settings, on_progress: OnProgress = quiet) -> Model:
    """The model that the settings name, ready to predict; pulled first if it is elsewhere.

    Raises:
        BundleError: its bundle is not whole, or can't be had.
    """
    return load_model(locate(settings.model, on_progress), settings.threads)


@contextmanager
def loading_model(settings: Settings) -> Iterator[Future[Model]]:
    """The model for a service, on a thread; meanwhile the rest can be imported and opened.

    The thread ends with the block: whoever fails meanwhile waits for it.

    Raises:
        SentiserveError: there is no such bundle, or no engine for it.
    """
    # Inferences side by side on a core each give more than one on all cores after the other.
    loader = model_loader(locate(settings.model), settings.threads or 1)
    thread = ThreadPoolExecutor(1, "loading")
    model = thread.submit(loader)
    thread.shutdown(wait=False)
    try:
        yield model
    finally:
        thread.shutdown()


def with_local_model(settings: Settings) -> Settings:
    """The settings with their model on this machine; a pull may take minutes.

    Raises:
        BundleError: it can't be had.
    """
    return settings.model_copy(update={"model": str(locate(settings.model))})


def model_info(settings: Settings) -> ModelInfo:
    """What the model that the settings name says of itself; it isn't loaded.

    Raises:
        BundleError: its bundle is not whole, or can't be had.
    """
    return open_bundle(locate(settings.model)).manifest.info


def drift_reference(settings: Settings) -> Reference:
    """What posts are held against, and what measures them: tokenizers take a tenth of a second.

    Raises:
        BundleError: the bundle is not whole, or its profile is none.
    """
    from sentiserve.models.profiling import load_reference

    return load_reference(open_bundle(locate(settings.model)))
