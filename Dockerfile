# The image of one Revisit process; which one is its command: web, worker, ticker, or any other of `revisit --help`.
FROM python:3.11-slim AS build
RUN python -m venv /opt/revisit
ENV PATH=/opt/revisit/bin:$PATH
WORKDIR /src
COPY lock.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement lock.txt
COPY pyproject.toml README.md ./
COPY channels channels
COPY worker worker
COPY config config
COPY journeys journeys
COPY templates templates
COPY sample sample
RUN pip install --no-cache-dir --no-deps .

FROM python:3.11-slim
RUN useradd --uid 10001 --create-home revisit \
 && install --directory --owner revisit --group revisit --mode 700 /data \
 && install --directory --owner revisit --group revisit /workspace
COPY --from=build /opt/revisit /opt/revisit
COPY --chown=revisit config /workspace/config
COPY --chown=revisit journeys /workspace/journeys
COPY --chown=revisit templates /workspace/templates
ENV PATH=/opt/revisit/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    REVISIT_WORKSPACE=/workspace \
    REVISIT_DATA_DIR=/data
USER revisit
VOLUME /data
EXPOSE 8000
# What serves is asked; the other roles live while their process does, and /readyz of any web process tells of them.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-c", "import urllib.request as u; words = open('/proc/1/cmdline').read().split(chr(0)); {'web', 'run'} & set(words) and u.urlopen('http://127.0.0.1:8000/healthz', timeout=3)"]
ENTRYPOINT ["revisit"]
CMD ["--help"]
