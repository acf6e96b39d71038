# Ringpace. `make demo` needs Go and nothing else; `make test` installs what it
# needs on Debian (see .ci/deps).

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
DEMOFLAGS ?=
BENCHFLAGS ?=
TESTFLAGS ?=
BENCHTIME ?= 1s
FUZZTIME  ?= 20s

.PHONY: help demo build test lint bench bench-sip bench-media fuzz fuzz-ci deps docker clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## a campaign against a carrier and agents inside the process; DEMOFLAGS="--leads 200"
	go run ./cmd/ringpace demo $(DEMOFLAGS)

build: ## bin/ringpace, static
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ringpace ./cmd/ringpace

# While Asterisk is being fetched (the first time only) the tests are compiled.
test: ## every test with the race detector, against real peers; TESTFLAGS="-run X"
	@.ci/deps programs
	@.ci/deps asterisk & asterisk=$$!; go build -race ./... 2>/dev/null || true; wait $$asterisk
	@go run .ci/tally.go -race -timeout 40m $(TESTFLAGS) ./...

lint: ## gofumpt, go vet, staticcheck: any finding fails
	@unformatted=$$(go tool gofumpt -l .); \
	if [[ -n $$unformatted ]]; then echo "not formatted (go tool gofumpt -w .):"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go vet .ci/tally.go
	go tool staticcheck ./...
	go tool staticcheck .ci/tally.go

bench: ## every benchmark, with its allocations; BENCHTIME=3s
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

bench-sip: ## what signalling costs, against SIPp (9 minutes); the last line is JSON; BENCHFLAGS="-profile cpu.out"
	@.ci/deps programs
	@go run ./dialer/lab/bench $(BENCHFLAGS)

bench-media: ## what the media path costs, against Asterisk and rtpengine (8 minutes); the last line is JSON; BENCHFLAGS="-loads 250"
	@.ci/deps media-peers || echo 'the peers are left out that are not there'
	@go build -o bin/bench-media ./dialer/lab/bench-media
	@bin/bench-media $(BENCHFLAGS)

fuzz: ## every fuzz target in turn; FUZZTIME=1m
	@for package in $$(go list ./...); do \
		for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			.ci/fuzz $(FUZZTIME) $$(nproc) $$package $$target; \
		done; \
	done

# What reads what strangers send: signalling, session descriptions, RTP, RTCP and SRTP;
# not what reads our own files or writes what is read elsewhere. One worker each, two
# at a time.
STRANGE  = FuzzDescription|FuzzReceive|FuzzRTCP|FuzzSecureReceive
FAMILIAR = FuzzParseHosts|FuzzHEP|FuzzLadder
fuzz-ci: ## what reads what strangers send, two at a time; FUZZTIME=10s
	@for package in $$(go list ./sip/...) ringpace/media; do \
		go test -list '^Fuzz' $$package | sed -n "s|^Fuzz|$$package Fuzz|p"; \
	done | sed -E '/media Fuzz/{/ ($(STRANGE))$$/!d}; / ($(FAMILIAR))$$/d' | xargs -P 2 -L 1 .ci/fuzz $(FUZZTIME) 1

deps: ## what the tests need besides Go, on Debian
	.ci/deps

docker: ## the image ringpace:VERSION
	docker build --build-arg VERSION=$(VERSION) -t ringpace:$(VERSION) .

clean: ## what was built here
	rm -rf bin
