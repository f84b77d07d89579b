# Builds Farley with both engines, TLS for PostgreSQL and traces, and leaves a small image that runs as nobody.
FROM rust:1-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev make perl pkg-config libssl-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /farley
COPY . .
RUN cargo build --release --locked -p farley --features tls

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libssl3 tzdata && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home /data farley && install -d -o farley /data
COPY --from=build /farley/target/release/farley /usr/local/bin/farley
# By number, so that a cluster can see that it is not root.
USER 10001
WORKDIR /data
ENV FARLEY_LISTEN=0.0.0.0:8080 FARLEY_DATA_DIR=/data FARLEY_LOG_FORMAT=json
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s --start-period=30s CMD ["farley", "healthcheck"]
ENTRYPOINT ["farley"]
CMD ["serve"]
