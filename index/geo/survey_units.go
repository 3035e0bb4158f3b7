package geo

import "strconv"

// HaText returns the area in hectares as decimal text with the given number of
// decimals, 0 to 6, rounded half up: 39999.99 m² with 2 decimals is 4.00.
//
// One unit of record is exactly 0.000001 ha, so 6 decimals round nothing, and the
// float64 of [Hundredths.Ha] would be rounded either way where an area lies on a half.
func (h Hundredths) HaText(decimals int) string {
	const million = 1_000_000
	size := uint64(h)
	if h < 0 {
		size = -size
	}
	whole, millionths := size/million, size%million

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
