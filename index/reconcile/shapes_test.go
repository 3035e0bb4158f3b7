package reconcile_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"testing"

	"gengtu/index/analyze"
	"gengtu/index/analyze/forms"
	"gengtu/index/compare"
	"gengtu/index/edition"
	"gengtu/index/geo"
	"gengtu/index/problem"
	"gengtu/index/reconcile"
)

// The shape of every row is the ground that the row says, and those of a band are narrow;
// without being asked for there are none.
func TestShapes(t *testing.T) {
	t.Parallel()
	c := newCounty()
	for _, x := range causes {
		x.plant(c)
	}
	p := c.at(1, 3) // a bite beside the strip
	p.rect.x0 += 100
	ix := c.open(t)
	if r := ask(t, ix, "cropland@2023", "cropland@2024", nil); len(r.Shapes) > 0 {
		t.Error("shapes that nobody asked for")
	}
	r := ask(t, ix, "cropland@2023", "cropland@2024", func(q *reconcile.Question) { q.Shapes = true })
	s := r.Shapes[0]
	line, ground, seen := s.Table.Column("line"), s.Table.Column("ground"), map[any]bool{}
	for i, row := range s.Table.Rows {
		m, err := s.Geometry(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if d := math.Abs(geo.Area(m) - float64(row[ground].(analyze.Area))/100); d > 0.01 {
			t.Errorf("row %v has a shape of %.4f m²", row, geo.Area(m))
		}
		for _, p := range m {
			if w := reconcile.WidthM(p); row[line] == "band" && w >= 2 {
				t.Errorf("row %v is %.2f m wide", row, w)
			}
		}
		seen[row[line]] = true
	}
	if len(seen) < 8 {
		t.Errorf("rows of %v alone", seen)
	}
}

// The answer does not depend on the number of workers; another question has another name;
// ctx ends the work.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	c := newCounty()
	for _, x := range causes {
		x.plant(c)
	}
	ix := c.open(t)
	text := func(q reconcile.Question, workers int) string {
		r, err := reconcile.Run(t.Context(), q, reconcile.Options{Workers: workers})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := forms.Write(t.Context(), &b, r, forms.JSON, forms.Options{Geometry: true}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	q := reconcile.Question{A: operand(t, ix, "cropland@2023"), B: operand(t, ix, "cropland@2024"), By: "village", Shapes: true}
	one := text(q, 1)
	for _, workers := range []int{2, 3, 7} {
		if text(q, workers) != one {
			t.Errorf("with %d workers it is another answer", workers)
		}
	}
	names := map[string]bool{}
	w := 0.5
	for _, change := range []func(*reconcile.Question){
		func(*reconcile.Question) {}, func(q *reconcile.Question) { q.By = "county" }, func(q *reconcile.Question) { q.WidthM = &w },
		func(q *reconcile.Question) { q.A.Figure = reconcile.Patch }, func(q *reconcile.Question) { q.A, q.B = q.B, q.A }, func(q *reconcile.Question) { q.Place = villageA },
	} {
		x := q
		change(&x)
		r, err := reconcile.Run(t.Context(), x, reconcile.Options{})
		if err != nil {
			t.Fatal(err)
		}
		names[r.Run] = true
	}
	if len(names) != 6 {
		t.Errorf("%d names of 6 questions", len(names))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reconcile.Run(ctx, q, reconcile.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Two editions are reconciled as two vintages are; editions of two tiers, and one whose
// policy rounds, are not.
func TestEditions(t *testing.T) {
	t.Parallel()
	c := newCounty()
	causes[0].plant(c)
	causes[4].plant(c)
	one, two := c.open(t), c.open(t)
	two.Manifest.Generation = "gfedcba9876543210"
	within := lineSums(t, ask(t, one, "cropland@2023", "cropland@2024", nil))
	across := ask(t, one, "cropland@2023", "cropland@2024", func(q *reconcile.Question) { q.B = operand(t, two, "cropland@2024") })
	for line, v := range lineSums(t, across) {
		if within[line] != v {
			t.Errorf("line %s is %d across editions, %d within one", line, v, within[line])
		}
	}
	if across.Generation != one.Manifest.Generation+" "+two.Manifest.Generation {
		t.Errorf("generations %s", across.Generation)
	}
	two.Manifest.Tier = edition.Government
	q := reconcile.Question{A: operand(t, one, "cropland@2023"), B: operand(t, two, "cropland@2024")}
	if _, err := reconcile.Run(t.Context(), q, reconcile.Options{}); !errors.Is(err, compare.Comparable(edition.Secure, edition.Government)) {
		t.Errorf("of two tiers: %v", err)
	}
	two.Manifest.Policy.RoundM2 = 100
	q.A = operand(t, two, "cropland@2023")
	if _, err := reconcile.Run(t.Context(), q, reconcile.Options{}); problem.Of(err) == nil || problem.Of(err).Code != "POLICY" {
		t.Errorf("of an edition that rounds: %v", err)
	}
	two.Manifest.Policy.RoundM2, two.Manifest.Policy.Groups = 0, []string{"QSXZ"}
	q.B = operand(t, two, "cropland@2024")
	if _, err := reconcile.Run(t.Context(), q, reconcile.Options{}); err != nil {
		t.Errorf("of all classes: %v", err)
	}
	two.Manifest.Tier, two.Manifest.Policy = edition.Public, edition.Policy{Pieces: true, Analyses: []string{reconcile.About.Name}}
	if _, err := reconcile.Run(t.Context(), q, reconcile.Options{}); problem.Of(err) == nil || problem.Of(err).Code != "POLICY" {
		t.Errorf("of a public edition whose policy names the question: %v", err)
	}
	two.Manifest.Tier, two.Manifest.Policy = edition.Government, edition.Policy{Pieces: true, Groups: []string{"QSXZ"}}
	q.A.Class = "01"
	if _, err := reconcile.Run(t.Context(), q, reconcile.Options{}); problem.Of(err) == nil || problem.Of(err).Code != "POLICY" {
		t.Errorf("of one class where the policy does not group by classes: %v", err)
	}
}

// Bounded to a place, or to a class, a bridge is that of the place and of the class.
func TestPart(t *testing.T) {
	t.Parallel()
	c := newCounty()
	for _, x := range causes {
		x.plant(c)
	}
	ix := c.open(t)
	whole := ask(t, ix, "cropland@2023", "cropland@2024", nil)
	part := ask(t, ix, "cropland@2023", "cropland@2024", func(q *reconcile.Question) { q.Place = villageB })
	for _, row := range whole.Tables[1].Rows {
		if row[1] != villageB {
			continue
		}
		for k, name := range []string{"a", "ground", "reclassed", "ridges", "doubled", "not-cropland", "band", "transfer", "record", "rounding", "unexplained", "b"} {
			if got := part.Tables[0].Rows[k][3]; got != row[3+k] {
				t.Errorf("%s of the village is %v, in the whole %v", name, got, row[3+k])
			}
		}
	}
	// 0101 that became 0102 is reclassed where 0101 is asked for, and no change of cropland.
	c = newCounty()
	p := c.at(1, 2)
	_, net := p.record()
	p.class = "0102"
	ix = c.open(t)
	if got := lineSums(t, ask(t, ix, "dltb@2023:0101", "dltb@2024:0101", nil)); len(got) != 1 || got["reclassed"] != -net {
		t.Errorf("of 0101 alone: %v, want -%d", got, net)
	}
	if got := lineSums(t, ask(t, ix, "cropland@2023", "cropland@2024", nil)); len(got) > 0 {
		t.Errorf("of cropland: %v", got)
	}
}
