package mvt

import "gengtu/index/problem"

// The geometry types of 4.3.4.
const (
	typeUnknown = 0
	typePoint   = 1
	typeLine    = 2
)

// commands reads a geometry's command integers (4.3.1).
type commands struct {
	list   []uint32
	cursor Point
}

// next reads a command of the given id with a count of at least least and at
// most most.
func (c *commands) next(id, least, most uint32) (uint32, *problem.Problem) {
	if len(c.list) == 0 {
		return 0, invalid("几何缺少命令 %d", "the geometry ends where command %d should stand", id)
	}
	got, count := c.list[0]&7, c.list[0]>>3
	c.list = c.list[1:]
	if got != id {
		return 0, invalid("几何命令是 %d，应为 %d", "geometry command %d where %d should stand", got, id)
	}
	if count < least || count > most {
		return 0, invalid("几何命令 %d 的次数是 %d，应在 %d 与 %d 之间", "geometry command %d has the count %d, not in [%d, %d]", id, count, least, most)
	}
	if id != commandClose && uint64(count)*2 > uint64(len(c.list)) {
		return 0, invalid("几何命令 %d 声明 %d 个点，只剩 %d 个数", "geometry command %d announces %d points, %d numbers are left", id, count, len(c.list))
	}
	return count, nil
}

// points appends the next n points to path. The cursor is an int32 and wraps,
// as it does in the decoders of the field.
func (c *commands) points(path []Point, n uint32) []Point {
	for ; n > 0; n-- {
		c.cursor.X += unzigzag32(c.list[0])
		c.cursor.Y += unzigzag32(c.list[1])
		c.list = c.list[2:]
		path = append(path, c.cursor)
	}
	return path
}

// path reads one MoveTo, LineTo and, for a ring, ClosePath, whose LineTo has at
// least least points.
func (c *commands) path(least uint32, closed bool) ([]Point, *problem.Problem) {
	if _, err := c.next(commandMove, 1, 1); err != nil {
		return nil, err
	}
	path := c.points(nil, 1)
	n, err := c.next(commandLine, least, 1<<29)
	if err != nil {
		return nil, err
	}
	path = append(make([]Point, 0, n+1), path...)
	path = c.points(path, n)
	if closed {
		_, err = c.next(commandClose, 1, 1)
	}
	return path, err
}

// polygons reads f's rings and groups them: a ring of positive area begins a
// polygon, one of negative area is a hole of the last (4.3.4.4).
func (f *rawFeature) polygons() ([]Polygon, *problem.Problem) {
	c := commands{list: f.geometry}
	var out []Polygon
	for len(c.list) > 0 || len(out) == 0 {
		ring, err := c.path(2, true)
		if err != nil {
			return nil, err
		}
		area := Ring(ring).Area2()
		switch {
		case area > 0:
			out = append(out, Polygon{ring})
		case area == 0:
			return nil, invalid("在 (%d, %d) 处的环面积为零", "the ring at (%d, %d) has no area", ring[0].X, ring[0].Y)
		case len(out) == 0:
			return nil, invalid("在 (%d, %d) 处的第一个环是反向的", "the first ring, at (%d, %d), is a hole", ring[0].X, ring[0].Y)
		default:
			out[len(out)-1] = append(out[len(out)-1], ring)
		}
	}
	return out, nil
}

// checkPlain holds the rules of points (4.3.4.2) and lines (4.3.4.3).
func (f *rawFeature) checkPlain() *problem.Problem {
	c := commands{list: f.geometry}
	if f.kind == typePoint {
		n, err := c.next(commandMove, 1, 1<<29)
		if err == nil && uint64(n)*2 != uint64(len(c.list)) {
			err = invalid("点几何有多余的命令", "commands after the points")
		}
		return err
	}
	for first := true; first || len(c.list) > 0; first = false {
		line, err := c.path(1, false)
		if err != nil {
			return err
		}
		for i := 1; i < len(line); i++ {
			if line[i] == line[i-1] {
				return invalid("线在 (%d, %d) 处重复一点", "the line repeats its point (%d, %d)", line[i].X, line[i].Y)
			}
		}
	}
	return nil
}

// Area2 returns twice the area of r in square tile units by the surveyor's
// formula: positive for a shell, negative for a hole, 0 for fewer than three
// points.
func (r Ring) Area2() int64 {
	if len(r) < 3 {
		return 0
	}
	sum := int64(0)
	o := r[0]
	for i := 1; i+1 < len(r); i++ {
		ax, ay := int64(r[i].X)-int64(o.X), int64(r[i].Y)-int64(o.Y)
		bx, by := int64(r[i+1].X)-int64(o.X), int64(r[i+1].Y)-int64(o.Y)
		sum += ax*by - bx*ay
	}
	return sum
}

// Area2 returns twice the area of p, its holes taken off.
func (p Polygon) Area2() int64 {
	sum := int64(0)
	for _, r := range p {
		sum += r.Area2()
	}
	return sum
}
