package overlay

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"

	"gengtu/index/geo"
)

// join is one call of [Join].
type join struct {
	sources [2]Source
	boxes   [2][]geo.Box
	emit    func(*joinBlock) bool
	free    chan *joinBlock
}

// joinBlock is a part of the ground, half open, and the features that reach into it.
type joinBlock struct {
	region geo.Box // Max belongs to the neighbours
	ids    [2][]int32
	pairs  []Pair
	err    error
	done   chan struct{}
}

// blockFeatures is the number of features of both layers in a block: so few
// that their outlines stay in a core's own cache (2 MB), so many that few of
// them reach over the block's border and are loaded again.
const blockFeatures = 1500

func newJoin(a, b Source, workers int) *join {
	j := &join{sources: [2]Source{a, b}, free: make(chan *joinBlock, 64)}
	for side, s := range j.sources {
		j.boxes[side] = boxesOf(s, workers)
	}
	return j
}

// boxRun is the number of boxes that a worker asks a source for at a time.
const boxRun = 4096

// boxesOf returns the boxes of all features of s.
func boxesOf(s Source, workers int) []geo.Box {
	boxes := make([]geo.Box, s.Len())
	var next atomic.Int64
	var running sync.WaitGroup
	for range min(workers, len(boxes)/boxRun+1) {
		running.Go(func() {
			for {
				end := int(next.Add(boxRun))
				if end-boxRun >= len(boxes) {
					return
				}
				for i := end - boxRun; i < min(end, len(boxes)); i++ {
					b := s.Box(i)
					boxes[i] = geo.Box{Min: clamped(b.Min), Max: clamped(b.Max)}
				}
			}
		})
	}
	running.Wait()
	return boxes
}

// divide calls emit for each block that has features of both layers, from west
// to east and south to north within each division; it ends when emit returns false.
func (j *join) divide(emit func(*joinBlock) bool) {
	j.emit = emit
	var ids [2][]int32
	for side := range ids {
		ids[side] = make([]int32, 0, len(j.boxes[side]))
		for i, b := range j.boxes[side] {
			if !b.Empty() {
				ids[side] = append(ids[side], int32(i))
			}
		}
	}
	far := geo.Box{
		Min: geo.Position{Lon: math.MinInt64, Lat: math.MinInt64},
		Max: geo.Position{Lon: math.MaxInt64, Lat: math.MaxInt64},
	}
	j.split(far, ids)
}

// split divides region until its features are few or lie on one another.
func (j *join) split(region geo.Box, ids [2][]int32) bool {
	n := len(ids[0]) + len(ids[1])
	if len(ids[0]) == 0 || len(ids[1]) == 0 {
		return true
	}
	if n > blockFeatures {
		upper, byLat := j.middle(ids)
		low, high := region, region
		at := geo.Position{Lon: upper, Lat: upper}
		if byLat {
			low.Max.Lat, high.Min.Lat = at.Lat, at.Lat
		} else {
			low.Max.Lon, high.Min.Lon = at.Lon, at.Lon
		}
		lows, highs := j.reaching(low, ids), j.reaching(high, ids)
		// No less than a quarter of the features has to be in one half only.
		if 4*(len(lows[0])+len(lows[1])+len(highs[0])+len(highs[1])) < 7*n {
			return j.split(low, lows) && j.split(high, highs)
		}
	}
	return j.emit(j.newBlock(region, ids))
}

// sampleSize is the number of features by which a region is divided.
const sampleSize = 255

// middle returns the median of the features' middles, by latitude or by
// longitude, whichever they are spread along more.
func (j *join) middle(ids [2][]int32) (at int64, byLat bool) {
	lons, lats := make([]int64, 0, 2*sampleSize), make([]int64, 0, 2*sampleSize)
	for side, list := range ids {
		step := max(1, len(list)/sampleSize)
		for i := step / 2; i < len(list); i += step {
			b := &j.boxes[side][list[i]]
			lons = append(lons, b.Min.Lon/2+b.Max.Lon/2)
			lats = append(lats, b.Min.Lat/2+b.Max.Lat/2)
		}
	}
	slices.Sort(lons)
	slices.Sort(lats)
	// Between the tenths, so that single features far away do not decide.
	n := len(lons)
	byLat = lats[n-1-n/10]-lats[n/10] > lons[n-1-n/10]-lons[n/10]
	if byLat {
		return lats[n/2], true
	}
	return lons[n/2], false
}

// reaching returns those of ids that reach into region.
func (j *join) reaching(region geo.Box, ids [2][]int32) [2][]int32 {
	var out [2][]int32
	for side, list := range ids {
		boxes := j.boxes[side]
		some := make([]int32, 0, len(list)/2+len(list)/8+8)
		for _, i := range list {
			b := &boxes[i]
			if b.Min.Lon < region.Max.Lon && b.Max.Lon >= region.Min.Lon &&
				b.Min.Lat < region.Max.Lat && b.Max.Lat >= region.Min.Lat {
				some = append(some, i)
			}
		}
		out[side] = some
	}
	return out
}

func (j *join) newBlock(region geo.Box, ids [2][]int32) *joinBlock {
	var b *joinBlock
	select {
	case b = <-j.free:
	default:
		b = new(joinBlock)
	}
	*b = joinBlock{region: region, ids: ids, pairs: b.pairs[:0], done: make(chan struct{})}
	return b
}

// recycle keeps the memory of a block that has been visited.
func (j *join) recycle(b *joinBlock) {
	select {
	case j.free <- b:
	default:
	}
}

// owns tells whether the pair whose common box begins at lon, lat is the block's.
func (b *joinBlock) owns(lon, lat int64) bool {
	return b.region.Min.Lon <= lon && lon < b.region.Max.Lon &&
		b.region.Min.Lat <= lat && lat < b.region.Max.Lat
}

// Bits of a key that sorts features: so many for the longitude, the lower ones
// for the place in a list.
const (
	lonBits   = 43 // 720 degrees in units
	placeBits = 64 - lonBits
)

// sorted appends features ids, which rise, of a side to dst, from west to east
// and then by id, not yet loaded. keys is working memory.
func (j *join) sorted(dst []joinFeature, side int, ids []int32, keys *[]uint64) []joinFeature {
	boxes := j.boxes[side]
	const run = 1 << placeBits
	if len(ids) > run {
		slices.SortFunc(ids, func(p, q int32) int {
			return cmp.Or(cmp.Compare(boxes[p].Min.Lon, boxes[q].Min.Lon), cmp.Compare(p, q))
		})
		for _, id := range ids {
			dst = append(dst, joinFeature{box: boxes[id], id: id})
		}
		return dst
	}
	ks := (*keys)[:0]
	for i, id := range ids {
		ks = append(ks, uint64(boxes[id].Min.Lon+turnUnits)<<placeBits|uint64(i))
	}
	slices.Sort(ks)
	for _, k := range ks {
		id := ids[k%run]
		dst = append(dst, joinFeature{box: boxes[id], id: id})
	}
	*keys = ks
	return dst
}
