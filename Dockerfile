# The command line `fintech-auth` as an image that holds nothing else: a static binary and the roots for https.
#
#   docker build -t fintech-auth .
#   docker run --rm -p 127.0.0.1:4848:4848 fintech-auth
#
# Not built here: no Docker engine was at hand. cli/tests/cli/compose.rs runs its commands with the binary of this
# machine, and checks its versions.

# Alpine's Rust links against musl, statically.
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
# Within the container, all addresses; which of them are published decides `docker run -p`.
CMD ["emulator", "--host", "0.0.0.0", "--allow-remote"]
