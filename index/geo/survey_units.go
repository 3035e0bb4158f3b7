package geo

import "strconv"

// MuText returns the area in mu as decimal text with the given number of
// decimals, 0 to 6, rounded half up: 39999.99 m² with 4 decimals is 60.0000.
//
// One unit of record is exactly 0.000015 mu. So 6 decimals round nothing, and
// with 4 every twentieth area lies on a half, where the float64 of
// [Hundredths.Mu] would be rounded either way.
func (h Hundredths) MuText(decimals int) string { return h.text(15, decimals) }

// HaText returns the area in hectares, otherwise as [Hundredths.MuText]:
// 39999.99 m² with 2 decimals is 4.00.
func (h Hundredths) HaText(decimals int) string { return h.text(1, decimals) }

// text returns h·factor/10^6 with the given number of decimals.
func (h Hundredths) text(factor uint64, decimals int) string {
	const million = 1_000_000
	size := uint64(h)
	if h < 0 {
		size = -size
	}
	millionths := size % million * factor
	whole := size/million*factor + millionths/million
	millionths %= million

	step := uint64(million) // of the last decimal, in millionths
	for range min(max(decimals, 0), 6) {
		step /= 10
	}
	half := step / 2
	if h < 0 && step > 1 {
		half-- // half up is towards zero
	}
	millionths = (millionths + half) / step * step
	whole, millionths = whole+millionths/million, millionths%million

	text := make([]byte, 0, 24)
	if h < 0 && whole+millionths > 0 {
		text = append(text, '-')
	}
	text = strconv.AppendUint(text, whole, 10)
	if decimals > 0 {
		text = append(text, '.')
		fraction := strconv.FormatUint(million+millionths, 10)
		text = append(text, fraction[1:1+min(decimals, 6)]...)
	}
	return string(text)
}
