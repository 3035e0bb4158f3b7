#!/usr/bin/env bash
# Makes the same editions with the binaries of `make dist` for several processors and
# compares them byte for byte: the sample's deliveries, the content hash of a secure and a
# public edition, an archive of tiles, and the answer of an overlay. Binaries for other
# processors run under qemu-user (Debian: qemu-user-static). By hand, a minute or two:
#
#   make dist && cmd/gengtu/deploy/golden.sh dist [PARCELS]
set -euo pipefail
dist=$(realpath "${1:?the folder that make dist made}")
parcels=${2:-400}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export GENGTU_LANG=en

# figures prints what is compared, of the program that its arguments run.
figures() {
	"$@" sample --out d --parcels "$parcels" >log 2>&1
	find d -type f | sort | xargs sha256sum
	local layers=()
	for year in 2023 2024; do
		layers+=(--layer "dltb@$year=d/$year/DLTB.shp" --layer "pbf@$year=d/$year/YJJBNTTB.gpkg")
		layers+=(--layer "hsf@$year=d/$year/GBZNT.geojson" --layer "region@$year=d/$year/XZQ.fgb")
	done
	mkdir secure
	# One key for all, or no two public editions have an id in common.
	printf '%064d\n' 7 >secure/publisher.key
	chmod 600 secure/publisher.key
	"$@" ingest --out secure "${layers[@]}" >log 2>&1
	"$@" publish --from secure --tier public --out public >log 2>&1
	for edition in secure public; do
		"$@" info --json "$edition" | grep -E '"(generation|content_hash)"'
		"$@" export --edition "$edition" --layer all --out "$edition.pmtiles" >log 2>&1
		sha256sum "$edition.pmtiles"
	done
	"$@" overlay --edition secure --by DLBM --place 619901 --out overlay.json >log 2>&1
	sha256sum overlay.json
	"$@" overlay --edition secure --layers pbf --pieces --place 619901 --out pieces.geojson >log 2>&1
	sha256sum pieces.geojson
}

of=""
for binary in "$dist"/gengtu-*-linux-*; do
	case $binary in
	*-arm64) run=(qemu-aarch64-static "$binary") ;;
	*-loong64) run=(qemu-loongarch64-static "$binary") ;;
	*) run=("$binary") ;;
	esac
	if ! command -v "${run[0]}" >/dev/null; then
		echo "${binary##*/}: not compared, ${run[0]} is not there" >&2
		continue
	fi
	name=${binary##*-}
	mkdir "$name"
	(cd "$name" && figures "${run[@]}" >../"$name.figures") || { cat "$name/log" >&2; exit 1; }
	rm -rf "${name:?}"
	if [ -z "$of" ]; then
		of=$name
	elif ! diff "$of.figures" "$name.figures"; then
		echo "$name makes another edition than $of" >&2
		exit 1
	fi
	echo "$name: $(sha256sum <"$name.figures")"
done
