# gengtu 耕图. `make` lists what can be made.

SHELL := /bin/bash
GO    ?= go
BIN   := bin/gengtu
PKGS  := ./...
# The packages whose values several goroutines share.
SHARED := ./tileserver ./tileserver/load ./tileserver/gate ./tileserver/tileset ./tileserver/cache ./tileserver/access ./tileserver/audit ./index ./index/ground ./index/areas ./ingest ./ingest/policy
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

# On processors that multiply and add with one rounding, the compiler is not to: the same
# deliveries make the same edition everywhere (cmd/gengtu/deploy/dist.sh). amd64 never does.
ROUND := $(if $(filter amd64,$(shell $(GO) env GOARCH)),,-gcflags=all=-d=fmahash=qn)

.DEFAULT_GOAL := help
.PHONY: help build dist demo test deps lint vuln page pictures fmt fuzz soak clients bench results bench-compare check clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

build: ## build bin/gengtu
	$(GO) build $(ROUND) -ldflags "-X main.version=$(VERSION)" -o $(BIN) ./cmd/gengtu

dist: ## build for linux (amd64, arm64, loong64) and windows (amd64) into dist, with licences, SBOM and checksums
	GO=$(GO) cmd/gengtu/deploy/dist.sh dist $(VERSION)

demo: build ## sample, ingest, publish and serve on 127.0.0.1:8080
	$(BIN) demo --data demo

# The programs that tests hold us against, and the Debian packages they are in.
TOOLS := chromium:chromium node:nodejs npm:npm ogr2ogr:gdal-bin cs2cs:proj-bin xmllint:libxml2-utils pg_ctlcluster:postgresql-common \
	/usr/share/postgresql/15/extension/postgis.control:postgresql-15-postgis-3 openssl:openssl pdftotext:poppler-utils /usr/share/fonts/truetype/wqy/wqy-microhei.ttc:fonts-wqy-microhei \
	/usr/lib/python3/dist-packages/owslib/iso.py:python3-owslib /usr/sbin/nginx:nginx-light qemu-aarch64-static:qemu-user-static \
	systemd-analyze:systemd curl:curl gcc:gcc /usr/include/stdlib.h:libc6-dev

deps: ## install what the tests need (Debian), or say how
	@missing=""; for t in $(TOOLS); do \
		p=$${t%%:*}; case $$p in /*) test -e $$p;; *) command -v $$p >/dev/null;; esac || missing="$$missing $${t##*:}"; done; \
	test -z "$$missing" && exit 0; \
	if [ "$$(id -u)" = 0 ]; then run=""; elif sudo -n true 2>/dev/null; then run="sudo"; else \
		echo "missing:$$missing; run: sudo apt-get update && sudo apt-get install -y$$missing" >&2; exit 1; fi; \
	export DEBIAN_FRONTEND=noninteractive; \
	$$run apt-get update -qq && $$run apt-get install -y -qq --no-install-recommends $$missing >/dev/null

# Damaged pages lead bbolt to slices that end elsewhere; the check of pointers that comes
# with -race ends the program there, where a fault at them is an error that we take.
RACE := -race -gcflags=go.etcd.io/bbolt/...=-d=checkptr=0

test: deps ## install what the tests need, then run all of them
	$(GO) vet $(PKGS)
	$(GO) test -shuffle=on -timeout 60m $(PKGS)
	$(GO) test $(RACE) -timeout 40m $(SHARED)
	$(GO) test $(RACE) -timeout 40m -run 'Determin|Workers|Stops|Cancel' ./index/overlay ./tileserver/pyramid

lint: ## golangci-lint, as .golangci.yml asks
	$(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0 run $(PKGS)

vuln: ## known vulnerabilities of what is linked, by Go's own database (VULNDB: a copy of it)
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 $(if $(VULNDB),-db $(VULNDB)) $(PKGS)

page: ## build the viewer's page anew from its TypeScript (Node), into what is embedded
	cd tileserver/viewer/page && npm ci --ignore-scripts && npm run types && npm run lint && npm run build

pictures: ## make the viewer's pictures in the documents anew (Chromium), to be looked at
	PICTURES=. $(GO) test -count=1 -timeout 20m -run TestViewerPictures ./cmd/gengtu

fmt: ## format
	gofmt -w $$(git ls-files '*.go')

FUZZTIME ?= 30s
fuzz: ## fuzz each parser for FUZZTIME, into the ledger benchmarks/measured/fuzz.txt
	GO=$(GO) FUZZTIME=$(FUZZTIME) benchmarks/fuzz.sh

soak: ## the suites of correctness at length, their counts into benchmarks/measured
	GO=$(GO) benchmarks/soak.sh

clients: ## OpenLayers, Leaflet, MapLibre, Cesium (npm) and QGIS draw a known shape; by hand
	CLIENTS=1 $(GO) test -v -timeout 20m -run TestClients ./cmd/gengtu

bench: ## measure end to end, rivals beside us, into benchmarks/results
	GO=$(GO) benchmarks/run.sh

results: ## benchmarks/RESULTS.md: what was asked beside what was measured
	RESULTS=write $(GO) test -count=1 -run '^TestResults$$' ./benchmarks/asked

bench-compare: ## measure this tree against BASE, turn about: make bench-compare BASE=main~5
	GO=$(GO) benchmarks/compare.sh $(BASE)

check: lint test ## what must hold before a change is handed in

clean: ## remove what was built
	rm -rf bin demo dist
