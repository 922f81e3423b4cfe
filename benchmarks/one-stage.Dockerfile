# For comparison only: one stage, as the article had it (but without keys in its layers). Whatever
# changes, all that comes after COPY is done again.
ARG BASE=python:3.13-slim-trixie
FROM ${BASE}
WORKDIR /app
COPY . .
RUN python3 -m venv /venv \
    && /venv/bin/pip install --quiet --no-deps --require-hashes --requirement deploy/lock/core.txt \
    && /venv/bin/pip install --quiet --no-deps .
ENV PATH=/venv/bin:$PATH
CMD ["sentiserve", "serve", "--host", "0.0.0.0"]
