#!/usr/bin/env bash
# Makes the same editions with the binaries of `make dist` for several processors and
# compares them byte for byte: the sample's deliveries, the content hash of a secure and a
# public edition, archives of tiles, and answers of overlays. Binaries for other
# processors run under qemu-user (Debian: qemu-user-static). By hand, a minute or two:
#
#   make dist && cmd/gengtu/deploy/golden.sh dist [PARCELS]
#
# A smaller run, amd64 against arm64, is among the tests (golden_test.go).
#
# loong64 makes the deliveries, and reads the editions that the first binary made. Its pages
# have 16 KiB, and where a target's pages are larger than the machine's, qemu-user maps a file
# no further than to its end at that moment (linux-user/mmap.c): what the file grows by later
# cannot be read through the map, as it can under every kernel. So whatever writes with bbolt
# faults at its first read past that end, under qemu alone: a program of twenty lines, which
# maps a file, makes it longer and reads, does the same there, and not for arm64 or amd64.
set -euo pipefail
dist=$(realpath "${1:?the folder that make dist made}")
parcels=${2:-400}
work=$(mktemp -d)
trap '[ $? = 0 ] || tail -n 3 "$work"/*/log >&2; rm -rf "$work"' EXIT
cd "$work"
export GENGTU_LANG=en LC_ALL=C

# deliveries makes the sample and prints its checksums.
deliveries() {
	"$@" sample --out d --parcels "$parcels" >log 2>&1
	find d -type f | sort | xargs sha256sum
}

# editions makes a secure and a public edition.
editions() {
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
}

# answers prints what the editions are called, and checksums of what is read from them.
answers() {
	for edition in secure public; do
		"$@" info --json "$edition" | grep -E '"(generation|content_hash)"'
		"$@" verify "$edition" >log 2>&1
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
	name=${binary##*-}
	case $name in
	arm64) run=(qemu-aarch64-static "$binary") ;;
	loong64) run=(qemu-loongarch64-static "$binary") ;;
	*) run=("$binary") ;;
	esac
	if ! command -v "${run[0]}" >/dev/null; then
		echo "$name: not compared, ${run[0]} is not there" >&2
		continue
	fi
	mkdir "$name"
	pushd "$name" >/dev/null
	# No lists of commands: bash would go on after an error in them.
	deliveries "${run[@]}" >"../$name.figures"
	if [ "$name" = loong64 ]; then
		cp -r "../$of/secure" "../$of/public" .
	else
		editions "${run[@]}"
	fi
	answers "${run[@]}" >>"../$name.figures"
	popd >/dev/null
	of=${of:-$name}
	diff "$of.figures" "$name.figures"
	echo "$name: $(wc -l <"$name.figures") figures, $(sha256sum <"$name.figures")"
done
