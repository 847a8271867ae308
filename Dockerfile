# The steps are those of `make run`, so what is tested is what is built.
FROM node:20-bookworm-slim AS pages
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci --no-audit --no-fund
COPY web ./web
RUN npm run build

FROM python:3.11-slim-bookworm AS install
WORKDIR /src
RUN python -m venv /opt/yimen
COPY requirements ./requirements
RUN /opt/yimen/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
COPY --from=pages /src/web/static/built ./web/static/built
RUN /opt/yimen/bin/pip install --no-cache-dir --no-build-isolation --no-deps .

FROM python:3.11-slim-bookworm
COPY --from=install /opt/yimen /opt/yimen
RUN useradd --system --uid 10001 --home-dir /var/lib/yimen --create-home yimen
USER 10001
WORKDIR /var/lib/yimen
ENV PATH=/opt/yimen/bin:$PATH YIMEN_DATA_DIR=/var/lib/yimen YIMEN_HOST=0.0.0.0
# The portal, and the gateway.
EXPOSE 8000 8001
ENTRYPOINT ["yimen"]
CMD ["serve"]
