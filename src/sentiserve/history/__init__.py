"""Every prediction ever kept, in Parquet files: what training sees."""
