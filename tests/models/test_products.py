"""The products of a graph, found and counted."""

from pathlib import Path

from sentiserve.models.bundle import default_bundle, open_bundle
from sentiserve.models.products import Product, Products

LAYERS, WIDTH, INNER, LABELS = 6, 384, 1536, 3


def test_the_products_of_the_bundled_model_are_those_of_its_six_layers() -> None:
    counts = Products(open_bundle(default_bundle()).weights, threads=1).counts
    wide = sum(one.inner * one.outer * count for one, count in counts.items() if one.per_token)
    assert wide == LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)


def test_a_head_is_multiplied_once_a_text(trained_bundles: dict[str, Path]) -> None:
    products = Products(open_bundle(trained_bundles["onnx-int8"]).weights, threads=1)
    assert products.counts[Product(64, LABELS, per_token=False)] == 1
    products.run([(2, 7), (1, 3)])
