# Reads the output of Go benchmarks with names …/by=PROGRAM and prints a table in
# Markdown: for each measurement the median, the least and the greatest of each
# program, its processor time, and both as multiples of by=gengtu's.

function median(list, unit,    n, v, i, j, t) {
	n = split(list, v, " ")
	for (i = 2; i <= n; i++) {
		t = v[i] + 0
		for (j = i - 1; j >= 1 && v[j] + 0 > t; j--) v[j + 1] = v[j]
		v[j + 1] = t
	}
	least = v[1] * unit; most = v[n] * unit
	return (n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2) * unit
}

# ms prints milliseconds with three digits that count.
function ms(v) {
	if (v >= 100) return sprintf("%.0f", v)
	if (v >= 10) return sprintf("%.1f", v)
	if (v >= 1) return sprintf("%.2f", v)
	if (v >= 0.1) return sprintf("%.3f", v)
	return sprintf("%.3g", v)
}

function times(v, ours) { return ours > 0 ? sprintf("%.2f", v / ours) : "" }

/^Benchmark/ && match($1, /\/by=/) {
	key = substr($1, 10, RSTART - 10)
	by = substr($1, RSTART + 4)
	sub(/-[0-9]+$/, "", by)
	if (!(key in programs)) order[++keys] = key
	if (!((key, by) in clock)) programs[key] = programs[key] " " by
	for (i = 3; i < NF; i += 2) {
		if ($(i + 1) == "ns/op") clock[key, by] = clock[key, by] " " $i
		if ($(i + 1) == "cpu-ms/op") cpu[key, by] = cpu[key, by] " " $i
	}
}

END {
	print "| measurement | program | n | median ms | least … most ms | processor ms | × ours, clock | × ours, processor |"
	print "|---|---|---|---|---|---|---|---|"
	for (k = 1; k <= keys; k++) {
		key = order[k]
		ours = oursCPU = 0
		if ((key, "gengtu") in clock) {
			ours = median(clock[key, "gengtu"], 1e-6)
			oursCPU = median(cpu[key, "gengtu"], 1)
		}
		n = split(programs[key], list, " ")
		for (p = 1; p <= n; p++) {
			by = list[p]
			c = median(cpu[key, by], 1)
			m = median(clock[key, by], 1e-6)
			printf "| %s | %s | %d | %s | %s … %s | %s | %s | %s |\n", key, by, split(clock[key, by], all, " "), ms(m), ms(least), ms(most), ms(c), times(m, ours), times(c, oursCPU)
		}
	}
}
