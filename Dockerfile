# The gateway in a small image. It listens on 8080 and 7624, reads config/config.yaml in /app, and
# keeps what must survive in /data; nothing else is ever written, so that the root may be read-only.
FROM debian:12-slim AS build
WORKDIR /src
COPY scripts/common.sh scripts/setup scripts/
COPY web/package.json web/package-lock.json web/
RUN scripts/setup
COPY CMakeLists.txt CMakePresets.json ./
COPY cmake cmake
COPY lib lib
COPY cmd cmd
COPY web web
RUN cmake --preset release && cmake --build --preset release --parallel && strip build/release/bin/espalier

FROM debian:12-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates libcpp-httplib0.11 libcurl4 \
    libfmt9 libprometheus-cpp-core1.0 libsecp256k1-1 libspdlog1.10 libsqlite3-0 libssl3 libyaml-cpp0.7 && \
    rm -rf /var/lib/apt/lists/*
# Bodies that do not fit into memory go to /var/tmp, unless spool_dir says otherwise.
RUN useradd --system --uid 900 --home-dir /data appuser && mkdir -p /app/config /data/spool && \
    chown -R appuser: /data && rm -rf /var/tmp && ln -s /data/spool /var/tmp
COPY --from=build /src/build/release/bin/espalier /usr/local/bin/espalier
RUN ln -s espalier /usr/local/bin/blossom_espelhator
USER appuser
WORKDIR /app
ENV STATE_DIRECTORY=/data
VOLUME /data
EXPOSE 8080 7624
HEALTHCHECK --interval=5s --timeout=5s --start-period=15s --retries=3 CMD ["espalier", "healthcheck"]
ENTRYPOINT ["espalier", "--listen", ":8080", "--listen", ":7624"]
