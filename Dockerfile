FROM python:3.13-slim AS build
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt
# The bot runs without docstrings, as a user that cannot write what that compiles.
RUN /venv/bin/python -OO -m compileall -q /venv/lib

FROM python:3.13-slim
RUN useradd --create-home --uid 1000 cascade && mkdir /data && chown cascade /data
COPY --from=build /venv /venv
WORKDIR /app
COPY bot bot
COPY signals signals
COPY storage storage
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATABASE_URL=sqlite+aiosqlite:////data/cascade.db
USER cascade
VOLUME /data
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
