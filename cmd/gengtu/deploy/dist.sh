#!/usr/bin/env bash
# Builds the program for each system that it is given to, into a folder: the binaries,
# static and stripped, NOTICES.txt and sbom.cdx.json, the licences and the bill of materials
# of all that is in them (Go, modules, the page's libraries, fonts), LICENSE, and SHA256SUMS
# of them all.
# The same source under the same Go gives the same bytes, and on each processor the program
# makes the same editions: arm64 and loong64 have an instruction that multiplies and adds
# with one rounding in place of two, which Go uses where it sees fit, its own library of
# sines and logarithms included. -d=fmahash=qn tells the compiler not to.
#
#   dist.sh OUT VERSION
set -euo pipefail
out=${1:?the folder to build into}
version=${2:?the version to stamp}
systems=${SYSTEMS:-linux/amd64 linux/arm64 linux/loong64 windows/amd64}
go=${GO:-go}
cd "$(dirname "$0")/../../.."

rm -rf "$out"
mkdir -p "$out"
# The levels are the lowest of each: any machine of its kind runs the program.
export CGO_ENABLED=0 LC_ALL=C GOAMD64=v1 GOARM64=v8.0
modules=$(mktemp)
trap 'rm -f "$modules" "$modules.all"' EXIT

for system in $systems; do
	export GOOS=${system%/*} GOARCH=${system#*/}
	end=""
	[ "$GOOS" = windows ] && end=.exe
	"$go" build -trimpath -buildvcs=false -gcflags=all=-d=fmahash=qn -ldflags "-s -w -buildid= -X main.version=$version" \
		-o "$out/gengtu-$version-$GOOS-$GOARCH$end" ./cmd/gengtu
	"$go" list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' ./cmd/gengtu >>"$modules"
done
unset GOOS GOARCH

# part prints a file of a licence under the name of what it is of.
part() {
	printf '\n==== %s: %s\n\n' "$1" "${2##*/}"
	cat "$2"
}
{
	echo "gengtu $version is under the Apache License 2.0, see LICENSE. In the binaries are, too:"
	part "Go $("$go" env GOVERSION)" "$("$go" env GOROOT)/LICENSE"
	sort -u "$modules" | while read -r path number dir; do
		found=""
		for file in "$dir"/LICENSE* "$dir"/LICENCE* "$dir"/COPYING* "$dir"/NOTICE*; do
			[ -f "$file" ] || continue
			found=yes
			part "$path $number" "$file"
		done
		[ -n "$found" ] || { echo "no licence in $dir" >&2; exit 1; }
	done
	part "the page: MapLibre GL JS and its parts" tileserver/viewer/web/LICENCES.txt
	part "Droid Sans Fallback" tileserver/glyph/font/LICENSE-cjk.txt
} >"$out/NOTICES.txt"
sort -u "$modules" >"$modules.all"
"$go" run ./cmd/gengtu/deploy/sbom "$version" "$modules.all" tileserver/viewer/web/LICENCES.txt tileserver/glyph/font "$out"/gengtu-* >"$out/sbom.cdx.json"
cp LICENSE "$out/LICENSE"
(cd "$out" && sha256sum -- * >../SHA256SUMS.new && mv ../SHA256SUMS.new SHA256SUMS)
