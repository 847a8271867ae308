# Everything is made into wheels first; the application is installed from them alone, without compilers, as on a
# machine without internet. tests/deploy carries out these lines as they stand, so use no shell tricks here.
FROM node:20-bookworm-slim AS pages
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci --no-audit --no-fund
COPY web ./web
RUN npm run build

FROM python:3.11-slim-bookworm AS install
WORKDIR /src
RUN python -m venv /opt/build
COPY requirements ./requirements
RUN --mount=type=cache,target=/root/.cache/pip /opt/build/bin/pip install --only-binary :all: --require-hashes -r requirements/build.txt
RUN --mount=type=cache,target=/root/.cache/pip /opt/build/bin/pip download --no-deps --only-binary :all: --require-hashes -r requirements/run.txt --dest /wheels
COPY . .
COPY --from=pages /src/web/static/built ./web/static/built
RUN /opt/build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels .
RUN python -m venv --without-pip /opt/yimen
RUN /opt/build/bin/pip --python /opt/yimen/bin/python install --no-index --find-links /wheels yimen
RUN mkdir --parents --mode 0700 /var/lib/yimen

FROM python:3.11-slim-bookworm
COPY --from=install /opt/yimen /opt/yimen
COPY --from=install --chown=10001:10001 /var/lib/yimen /var/lib/yimen
# No entry in /etc/passwd: what asks for the account's name and home finds them here.
ENV USER=yimen HOME=/var/lib/yimen PATH=/opt/yimen/bin:$PATH YIMEN_DATA_DIR=/var/lib/yimen YIMEN_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/yimen
# The portal, and the gateway.
EXPOSE 8000 8001
ENTRYPOINT ["yimen"]
CMD ["serve"]
