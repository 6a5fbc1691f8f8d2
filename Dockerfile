# docker build -t tableorder .                    the server, without a shell
# docker build -t tableorder:dev --target dev .      the toolchain and watchexec, for docker-compose.yml's `dev`

ARG RUST_VERSION=1.95

FROM rust:${RUST_VERSION}-slim-bookworm AS toolchain
WORKDIR /src

# The dependencies have their own layer: they are rebuilt only when Cargo.toml or Cargo.lock change.
FROM toolchain AS build
COPY .cargo .cargo
COPY Cargo.toml Cargo.lock ./
# A member of the workspace, which is not built here.
COPY loadtest/Cargo.toml loadtest/
RUN mkdir -p src loadtest/src \
    && echo 'fn main() {}' >src/main.rs \
    && cp src/main.rs src/lib.rs \
    && cp src/main.rs loadtest/src/main.rs \
    && cargo build --release --locked --features otlp
# Queries are checked against .sqlx, so from here on the build needs no database and no network.
COPY .sqlx .sqlx
COPY migrations migrations
COPY src src
COPY web web
# `touch`, because the artifacts of the stubs are newer than the source files.
RUN find src -name '*.rs' -exec touch {} + \
    && SQLX_OFFLINE=true cargo build --release --locked --offline --features otlp

# For `docker compose up dev`: the source is mounted; each change rebuilds and restarts the server.
FROM toolchain AS dev
RUN cargo install --locked --root /usr/local watchexec-cli@2.8.0 \
    && useradd --create-home --uid 1000 dev \
    && install -d -o dev /target /home/dev/.cargo
ENV CARGO_TARGET_DIR=/target CARGO_HOME=/home/dev/.cargo LOG_FILE=off
USER 1000:1000
STOPSIGNAL SIGTERM
CMD ["watchexec", "--restart", "--watch", "src", "--watch", "migrations", "--watch", "Cargo.toml", "--stop-timeout", "15s", "--", "cargo", "run", "--locked"]

# Contains the C library, certificates and a user, but no shell and no package manager. Time zones and the root
# certificates for PostgreSQL's TLS are compiled into the server.
FROM gcr.io/distroless/cc-debian12:nonroot AS server
ARG VERSION=0.2.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tableorder" \
      org.opencontainers.image.description="An open-source table-order server" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /src/target/release/tableorder /usr/local/bin/tableorder
# The server writes no file, so the root file system may be read-only. DATABASE_URL is required: this image does not
# contain the embedded PostgreSQL.
WORKDIR /
ENV HOST=0.0.0.0 PORT=8000 LOG_FILE=off LOG_FORMAT=json
EXPOSE 8000
# SIGTERM drains, then stops. Set the orchestrator's grace period longer than
# SHUTDOWN_DRAIN_SECONDS + SHUTDOWN_TIMEOUT_SECONDS.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["/usr/local/bin/tableorder", "health"]
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/tableorder"]
CMD ["serve"]
