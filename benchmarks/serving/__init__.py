"""Services that tell the sentiment of texts, side by side under load: ``docs/benchmarks.md``."""
