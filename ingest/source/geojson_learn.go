package source

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"gengtu/index/problem"
)

// learn goes through the whole file. What is wrong with one feature is left for
// the second reading to tell.
//
// Large files are learned in batches by several goroutines; what they learn is
// joined in the order of the file, so that names come in the order in which they
// are met first, and of several problems the first is told.
func (r *geoJSON) learn(ctx context.Context, workers int) (*jsonSchema, error) {
	s := newJSONSchema()
	scan := jsonScanner{schema: s}
	err := r.learnFirst(&scan)
	if err == nil {
		if workers <= 0 {
			workers = runtime.GOMAXPROCS(0)
		}
		if r.size <= int64(r.sizes.bytes) {
			workers = 1
		}
		err = r.learnRest(ctx, &scan, workers)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	s.crs = r.walker.crsOr(s.crs)
	if r.walker.texts == 0 {
		return nil, problem.New("SOURCE_EMPTY", "文件里没有内容", "the file holds nothing")
	}
	s.identify()
	return s, nil
}

// learnFirst learns the first feature, by which a file is known for GeoJSON.
func (r *geoJSON) learnFirst(scan *jsonScanner) error {
	b, err := r.walker.next()
	if err != nil {
		return err
	}
	if !r.walker.inside && !isGeoJSON(b) {
		return problem.New("GEOJSON_NOT", "是 JSON，但不是 GeoJSON", "is JSON but not GeoJSON").
			Advise("顶层应为 FeatureCollection、Feature 或几何", "its top should be a FeatureCollection, a Feature or a geometry")
	}
	scan.schema.records++
	return asError(scan.feature(b, r.walker.at))
}

// asError returns p as an error, nil when there is none.
func asError(p *problem.Problem) error {
	if p == nil {
		return nil
	}
	return p
}

// learning is a batch of features on its way: scanned by a worker, then joined
// with what is known in the order of the file.
type learning struct {
	batch  *jsonBatch
	end    error // why nothing comes behind it
	part   *jsonSchema
	found  *problem.Problem
	done   chan struct{}
	joined chan struct{}
}

// learnRest learns the features behind the first. It ends with io.EOF.
func (r *geoJSON) learnRest(ctx context.Context, scan *jsonScanner, workers int) error {
	if workers == 1 {
		for {
			b, err := r.walker.next()
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				return err
			}
			scan.schema.records++
			if p := scan.feature(b, r.walker.at); p != nil {
				return p
			}
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	work, order := make(chan *learning), make(chan *learning, 2*workers)
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(order)
		defer close(work)
		return r.feedLearning(gctx, order, work)
	})
	for range workers {
		g.Go(func() error {
			for l := range work {
				l.scan()
				close(l.done)
			}
			return nil
		})
	}
	err := r.joinLearning(gctx, scan, order)
	cancel()
	if fed := g.Wait(); err == nil {
		err = fed
	}
	return err
}

// feedLearning takes batches off the file until it ends.
func (r *geoJSON) feedLearning(ctx context.Context, order, work chan<- *learning) error {
	for {
		l := &learning{batch: r.takeBatch(), done: make(chan struct{}), joined: make(chan struct{})}
		l.end = r.fill(l.batch)
		single := l.batch.single // before others have it
		for _, ch := range []chan<- *learning{order, work} {
			select {
			case ch <- l:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if l.end != nil {
			return nil //nolint:nilerr // who takes the last batch is told
		}
		if single {
			// The feature stands in the window, which must not move.
			select {
			case <-l.joined:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// scan learns the features of a batch by themselves.
func (l *learning) scan() {
	l.part = newJSONSchema()
	l.found = l.batch.scan(&jsonScanner{schema: l.part})
}

// scan learns the features of the batch up to the first problem with the file.
func (b *jsonBatch) scan(s *jsonScanner) *problem.Problem {
	for i, text := range b.texts {
		s.schema.records++
		if p := s.feature(text, b.places[i]); p != nil {
			return p
		}
	}
	return nil
}

// joinLearning joins what batches teach in the order of the file.
func (r *geoJSON) joinLearning(ctx context.Context, scan *jsonScanner, order <-chan *learning) error {
	for l := range order {
		select {
		case <-l.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if len(scan.schema.names)+len(l.part.names) >= maxProperties {
			// There may be too many names: the first too many is found one by one.
			l.found = l.batch.scan(scan)
		} else {
			scan.schema.records += l.part.records
			scan.schema.join(l.part)
		}
		if l.found != nil {
			return l.found
		}
		if l.end != nil {
			return l.end
		}
		l.batch.release()
		close(l.joined)
	}
	return nil
}

// jsonScanner learns features.
type jsonScanner struct {
	schema *jsonSchema
	names  jsonNames
	last   []jsonLast // by field
}

// feature learns one feature, which stands at place at of the file. It returns
// what is wrong with the file as a whole.
func (s *jsonScanner) feature(b []byte, at int64) *problem.Problem {
	c := &jsonCursor{b: b, base: at}
	var id jsonKinds
	p := c.object(func(name []byte) *problem.Problem {
		switch string(name) {
		case "properties":
			if c.space() == '{' {
				return s.properties(c)
			}
		case "id", "crs":
			v, p := c.skip()
			if p != nil {
				return p
			}
			if string(name) == "id" {
				id, _ = kindOf(v)
			} else if s.schema.records == 1 {
				s.schema.crs = bytes.Clone(v)
			}
			return nil
		}
		_, p := c.skip()
		return p
	})
	s.schema.idKinds |= id
	if p != nil && p.Code != "GEOJSON_SYNTAX" {
		return p
	}
	return nil
}

// properties learns the properties in the object that is next.
func (s *jsonScanner) properties(c *jsonCursor) *problem.Problem {
	return c.properties(&s.names, func(name []byte, spelling int) (int, *problem.Problem) {
		if spelling >= 0 {
			known := &s.schema.spelling[spelling]
			if s.last[known.field].next(c) {
				return spelling, nil // of known name and kind
			}
			name = known.name
		}
		v, p := c.skip()
		if p != nil {
			return -1, p
		}
		if !utf8.Valid(name) || !utf8.Valid(v) {
			return -1, problem.New("GEOJSON_ENCODING", "第 %d 字节附近的文本不是 UTF-8", "the text near byte %d is not UTF-8", c.base+int64(c.i)).
				Advise("用 --encoding GBK 指定编码，或另存为 UTF-8", "name the encoding, as --encoding GBK, or save the file as UTF-8")
		}
		k, ok := kindOf(v)
		if !ok {
			return -1, c.fail("值无法识别", "not a value")
		}
		spelling, ok = s.schema.add(name, k)
		if !ok {
			if len(s.schema.names) < maxProperties {
				return -1, c.fail("属性名不是有效文本", "the name of a property is no valid text")
			}
			return -1, problem.New("GEOJSON_FIELDS", "属性名超过 %d 个", "it has more than %d property names", maxProperties).
				Advise("请核对属性：名称应是字段名，不是数据；或拆成几个文件", "check the properties: their names should be those of fields and no data; or divide the file")
		}
		s.last = grown(s.last, len(s.schema.names))
		s.last[s.schema.spelling[spelling].field].keep(v, nil)
		return spelling, nil
	})
}

// grown returns list with at least n elements.
func grown(list []jsonLast, n int) []jsonLast {
	for len(list) < n {
		list = append(list, jsonLast{})
	}
	return list
}
