# syntax=docker/dockerfile:1
#
# The daemon and nothing else: one static binary, certificates, time zones.
#
#   docker build --build-arg VERSION=$(git describe --tags --always) -t ringpace .
#   docker run --network host -v ./ringpace.yaml:/etc/ringpace/ringpace.yaml:ro \
#       -v ringpace:/var/lib/ringpace ringpace
#
# Host networking, because RTP takes a range of thousands of UDP ports.

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /image/usr/bin/ringpace ./cmd/ringpace
# The rest of the file system: an unprivileged user and what it may write to.
RUN mkdir -p /image/etc/ringpace /image/etc/ssl/certs /image/usr/share /image/var/lib/ringpace /image/tmp \
    && cp -r configs/. /image/etc/ringpace/ && rm -f /image/etc/ringpace/*.go \
    && cp /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ \
    && cp "$(go env GOROOT)/lib/time/zoneinfo.zip" /image/usr/share/ \
    && echo 'ringpace:x:10001:10001::/var/lib/ringpace:/usr/bin/ringpace' > /image/etc/passwd \
    && echo 'ringpace:x:10001:' > /image/etc/group \
    && chmod 1777 /image/tmp

FROM scratch
ARG VERSION=unknown
LABEL org.opencontainers.image.title="ringpace" \
      org.opencontainers.image.description="SIP predictive dialer" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build /image/ /
COPY --from=build --chown=10001:10001 /image/var/lib/ringpace/ /var/lib/ringpace/
ENV ZONEINFO=/usr/share/zoneinfo.zip
USER 10001:10001
WORKDIR /var/lib/ringpace
VOLUME ["/var/lib/ringpace"]
# SIP, the HTTP API; RTP's range is in the configuration.
EXPOSE 5060/udp 5060/tcp 8080/tcp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["/usr/bin/ringpace", "health"]
ENTRYPOINT ["/usr/bin/ringpace"]
CMD ["serve", "--config", "/etc/ringpace/ringpace.yaml"]
