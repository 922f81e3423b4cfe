"""The command-line door: one file for each command."""

import os

# Read while what they are for is imported. pydantic would look through all that is installed for
# plugins, which takes longer than all settings; NumPy's threads would spin for a tenth of a
# second, though nothing here multiplies matrices with them.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
