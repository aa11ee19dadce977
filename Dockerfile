# An image with only the `fintech-auth` command line tool: a static binary and root certificates.
#
#   docker build -t fintech-auth .
#   docker run --rm -p 127.0.0.1:4848:4848 fintech-auth
#
# No test builds this image, because there is no Docker engine in CI. Instead, cli/tests/cli/compose.rs runs its
# commands with the local binary and checks the versions.

# Alpine's Rust links statically against musl.
FROM rust:1.89-alpine AS build
RUN apk add --no-cache ca-certificates gcc musl-dev
WORKDIR /src
COPY . .
RUN cargo build --locked --release -p fintech-auth-cli

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/target/release/fintech-auth /fintech-auth
USER 65534:65534
EXPOSE 4848
HEALTHCHECK --interval=5s --timeout=5s --start-period=2s --retries=3 CMD ["/fintech-auth", "health"]
ENTRYPOINT ["/fintech-auth"]
# Listen on all addresses inside the container. `docker run -p` decides which of them can be reached from outside.
CMD ["emulator", "--host", "0.0.0.0", "--allow-remote"]
