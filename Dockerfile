# Python, with its version. The digest of that image could not be looked up where this was written: whoever can, gives it
# as well: docker build --build-arg PYTHON=python:3.13.9-slim-trixie@sha256:…
ARG PYTHON=python:3.13.9-slim-trixie

FROM ${PYTHON} AS build
WORKDIR /build
COPY requirements.txt .
# Every package by its hash; what installed them is not needed any more.
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt \
    && /venv/bin/pip uninstall --yes pip
WORKDIR /app
COPY bot bot
COPY signals signals
COPY storage storage
# Once with docstrings, for the command line, and once without, for the bot: nobody can write that there later.
RUN /venv/bin/python -m compileall -q . && /venv/bin/python -OO -m compileall -q /venv/lib .

FROM ${PYTHON}
RUN groupadd --gid 1000 cascade \
    && useradd --uid 1000 --gid 1000 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin cascade \
    && install --directory --owner=1000 --group=1000 --mode=0700 /data \
    && install --directory /app \
    && ln -s /data /app/data
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
# What libraries keep for themselves goes where everything is forgotten.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    WAIT_WHEN_WRONG=1
USER 1000:1000
VOLUME /data
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=30s --start-period=10m --retries=1 CMD ["python", "-m", "bot", "healthy"]
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
